"""Write a split as the canonical artifact: checked, and images and rows in blocks."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.labels import problems_of
from workflow_lib.datasets.split import Labelled, Split, Strings, Texts
from workflow_lib.errors import Problem, UserError
from workflow_lib.io.storage import SampleWriter, VariableSpec
from workflow_lib.progress import Progress

IMAGES = ("image", "Images", "channel", "y", "x")
"""Name of the variable, what it holds, and its dimensions after that of the samples."""
BLOCK_BYTES = 32 * 2**20
"""Size of a block of pixels; a data set need not fit into memory."""


def write(split: Split, path: Path, *, progress: Progress | None = None, may_be_empty: bool = False) -> None:
    """Write a split to `path` (format: see `workflow_lib.datasets.artifact`). On error, no file is left there.

    Args:
        split: labelled images or rows of numbers.
        path: the file.
        progress: told how many images are written, and of how many.
        may_be_empty: whether it is right that the split has no samples.

    Raises:
        UserError: fewer than two classes, a class with fewer than two samples, repeated ids, pixels that are
            not finite or outside [0, 1], numbers that are not finite. The error names the class or the sample.
    """
    _require_sound(split, may_be_empty)
    count, block = len(split), max(1, BLOCK_BYTES // (int(np.prod(split.image_shape)) * split.dtype.itemsize))
    scale = "uint8: 255 is full intensity" if split.dtype == np.uint8 else "float: 1 is full intensity"
    name, content, *dims = ("values", "Rows", "layer", "row", "feature") if split.is_table else IMAGES
    variable = VariableSpec(
        dims=("sample", *dims),
        shape=(count, *split.image_shape),
        dtype=split.dtype.name,
        attrs={"long_name": name, "scale": split.scale or scale},
    )
    attrs = {"title": f"{content} and labels of {split.source}", "source": split.source}
    attrs |= ({"left_out": split.left_out} if split.left_out else {}) | dict(split.changes)
    with SampleWriter(path, {name: variable}, _coords(split), attrs) as writer:
        for start in range(0, count, block):
            rows = np.arange(start, min(start + block, count))
            values = split.read(rows)
            (require_finite if split.is_table else require_unit_range)(values, split.ids[rows], split.origin)
            writer.append(**{name: values})
            if progress is not None:
                progress(int(rows[-1]) + 1, count)


def write_texts(split: Texts, path: Path) -> None:
    """Write texts with their labels to `path`; all of them are in memory.

    Raises:
        UserError: fewer than two classes, a class with fewer than two samples, repeated ids.
    """
    _require_sound(split, may_be_empty=False)
    attrs = {"title": "Texts and labels", "source": split.source}
    attrs |= {"left_out": split.left_out} if split.left_out else {}
    with SampleWriter(path, {}, {**_coords(split), "text": ("sample", split.texts)}, attrs):
        pass


def _require_sound(split: Labelled, may_be_empty: bool) -> None:
    """Raise UserError for classes, labels or ids that cannot be analysed."""
    problems = problems_of(split.labels, split.ids, split.class_names, split.origin)
    if problems and (len(split) or not may_be_empty):
        raise UserError(*problems)


def _coords(split: Labelled) -> dict[str, tuple[str, NDArray[Any]]]:
    return {
        "sample": ("sample", split.ids),
        "label": ("sample", split.labels),
        "class": ("class", np.array(split.class_names)),
    }


def require_finite(values: NDArray[Any], ids: Strings, origin: str) -> None:
    """Raise UserError if a sample of (n, ...) has a value that is not finite."""
    wrong = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
    if len(wrong):
        found = f"sample {ids[wrong[0]]}" + (f" and {len(wrong) - 1} more" if len(wrong) > 1 else "")
        repair = "repair these samples, or leave them out"
        raise UserError(Problem(origin, found, "some numbers are not finite", repair))


def require_unit_range(images: NDArray[Any], ids: Strings, origin: str) -> None:
    """Raise UserError if an image of (n, ...) has values that are not finite or not in [0, 1]; uint8 always passes."""
    if images.dtype == np.uint8:
        return
    fits = (images >= 0) & (images <= 1)  # false for NaN
    if fits.all():
        return
    sample = int(np.flatnonzero(~fits.reshape(len(images), -1).all(axis=1))[0])
    value = images[sample][~fits[sample]][0]
    kind = "leave 0 to 1" if np.isfinite(value) else "are not finite"
    raise UserError(
        Problem(
            origin,
            f"sample {ids[sample]} has the value {value:g}",
            f"some pixels {kind}; floats go from 0 to 1",
            "divide by the full scale (such as 255), or repair the sample",
        )
    )
