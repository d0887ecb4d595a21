"""Image data of any source as two canonical artifacts, train and test."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.datasets.sources import load
from workflow_lib.datasets.writing import write
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Output


def prepare_dataset(*, spec: Mapping[str, Any], train: Output, test: Output) -> None:
    """Write both splits of the data set that `spec` describes; that for training may be empty by intention."""
    splits = load(spec)
    only_test = spec.get("test_fraction") == 1
    write(splits["train"], train, progress=bar("train images"), may_be_empty=only_test)
    write(splits["test"], test, progress=bar("test images"))
