"""Several datasets of images as one, in the same form."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.datasets.artifact import open_split
from workflow_lib.datasets.selection import select
from workflow_lib.datasets.union import union
from workflow_lib.datasets.writing import write
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Input, Output


def unite_datasets(
    *, spec: Mapping[str, Any], train_parts: list[Input], test_parts: list[Input], train: Output, test: Output
) -> None:
    """Write both splits of the union that `spec` describes; the parts are in the order of `spec["of"]`."""
    for name, parts, path in (("train", train_parts, train), ("test", test_parts, test)):
        whole = union(dict(zip(spec["of"], map(open_split, parts), strict=True)))
        write(select(whole, spec, name), path, progress=bar(f"{name} images"))
