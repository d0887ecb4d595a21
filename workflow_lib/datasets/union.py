"""All samples of several prepared datasets as one split, read block by block."""

import itertools
from collections.abc import Mapping

import numpy as np

from workflow_lib.datasets.artifact import StoredSplit, unit_range
from workflow_lib.datasets.split import Rows, Split, strings
from workflow_lib.errors import Problem, UserError, listed


def union(parts: Mapping[str, StoredSplit]) -> Split:
    """The samples of the first part, then those of the second one, and so on.

    Labels are those of the first part; ids begin with the name of the part, as in "natural/train-00017". Pixels are
    uint8 if those of all parts are, or else float32, to which uint8 pixels are converted as for a network (n / 255).

    Args:
        parts: the same split of two datasets or more, by name of the dataset.

    Raises:
        UserError: a part has other classes, or images of another shape, than the first one.
    """
    splits = list(parts.values())
    first = splits[0]
    if problems := [problem for name, split in parts.items() for problem in _differences(name, split, first)]:
        raise UserError(*problems)
    starts = np.cumsum([0, *map(len, splits)])
    dtype = np.dtype(np.uint8) if all(split.dtype == np.uint8 for split in splits) else np.dtype(np.float32)
    places = [np.array([first.class_names.index(name) for name in split.class_names]) for split in splits]

    def read(rows: Rows) -> np.ndarray:
        images = np.empty((len(rows), *first.image_shape), dtype)
        for split, (start, stop) in zip(splits, itertools.pairwise(starts), strict=True):
            here = (rows >= start) & (rows < stop)
            if here.any():
                block = split.pixels(rows[here] - start)
                images[here] = block if dtype == np.uint8 else unit_range(block)
        return images

    return Split(
        source="union",
        origin=f"union of {listed(parts)}",
        labels=np.concatenate([place[split.labels] for place, split in zip(places, splits, strict=True)]),
        ids=strings(f"{name}/{identity}" for name, split in parts.items() for identity in split.ids.tolist()),
        class_names=first.class_names,
        image_shape=first.image_shape,
        dtype=dtype,
        read=read,
    )


def _differences(name: str, split: StoredSplit, first: StoredSplit) -> list[Problem]:
    """What a part has unlike the first one."""
    found = []
    if set(split.class_names) != set(first.class_names):
        allowed = f"has the classes {listed(split.class_names)}, but the first part has {listed(first.class_names)}"
        repair = "give both the same classes, with the keys classes or superclasses"
        found.append(Problem("union: of", name, allowed, repair))
    if split.image_shape != first.image_shape:
        allowed = f"has images of {shape_text(split.image_shape)}, the first part of {shape_text(first.image_shape)}"
        found.append(Problem("union: of", name, allowed, "make them equally large, as with image_size"))
    return found


def shape_text(shape: tuple[int, int, int]) -> str:
    """A shape of images in words."""
    channels, height, width = shape
    return f"{height} x {width} pixels and {channels} channel{'s' if channels > 1 else ''}"
