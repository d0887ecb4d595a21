"""A dataset of images, changed by a transform, in the same form."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workflow_lib.datasets.artifact import StoredSplit, open_split, unit_range
from workflow_lib.datasets.selection import select
from workflow_lib.datasets.split import Rows, Split
from workflow_lib.datasets.writing import write
from workflow_lib.features.transforms import apply
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training.devices import configure


def transform_dataset(
    *,
    spec: Mapping[str, Any],
    train_parts: list[Input],
    test_parts: list[Input],
    train: Output,
    test: Output,
    context: Context,
) -> None:
    """Write both splits, each sample changed once by `spec["transform"]`, block by block; pixels are float32.

    Args:
        spec: of (name of the original dataset), transform; classes, superclasses, subsample.
        train_parts: the original training split.
        test_parts: the original test split.
        train: the changed training split.
        test: the changed test split.
        context: the device of transforms with a network of their own.
    """
    device = configure(context.device, context.threads)
    for name, (original,), path in (("train", train_parts, train), ("test", test_parts, test)):
        write(select(_changed(original, spec, device), spec, name), path, progress=bar(f"{name} images"))


def _changed(original: Path, spec: Mapping[str, Any], device: str) -> Split:
    stored: StoredSplit = open_split(original)

    def read(rows: Rows) -> np.ndarray:
        return apply(unit_range(stored.pixels(rows)), stored.ids[rows].tolist(), spec["transform"], device)

    return Split(
        source="transformed",
        origin=f"transformed {spec['of']}",
        labels=stored.labels,
        ids=stored.ids,
        class_names=stored.class_names,
        image_shape=stored.image_shape,
        dtype=np.dtype(np.float32),
        read=read,
    )
