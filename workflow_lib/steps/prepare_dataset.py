"""Images, rows or texts of any source as two canonical artifacts, train and test."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workflow_lib.datasets.sources import load
from workflow_lib.datasets.split import Texts
from workflow_lib.datasets.writing import write, write_texts
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Output


def prepare_dataset(*, spec: Mapping[str, Any], train: Output, test: Output) -> None:
    """Write both splits of the data set that `spec` describes; that for training may be empty by intention."""
    only_test = spec.get("test_fraction") == 1
    for name, split in load(spec).items():
        split = replace(split, origin=f"{split.origin}, {name} split")
        path = {"train": train, "test": test}[name]
        if isinstance(split, Texts):
            write_texts(split, path)
        else:
            write(split, path, progress=bar(f"{name} images"), may_be_empty=only_test and name == "train")
