"""Rows of numbers with labels: from a user's table, and the small ones of scikit-learn."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.labelled_rows import LabelledRows, divided, read_rows
from workflow_lib.datasets.labels import SHOWN, encode
from workflow_lib.datasets.selection import train_and_test
from workflow_lib.datasets.split import Labels, Rows, Split, Strings, numbered, strings
from workflow_lib.errors import Problem, UserError, listed

SCALES = {
    "none": "numbers as in the source",
    "unit": "0 and 1 are the smallest and the largest value of each feature in the training split",
    "standard": "each feature has mean 0 and standard deviation 1 in the training split",
}


def read_table(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits of the rows in `path`, with the columns `features` or all that have no other role.

    Raises:
        UserError: the file cannot be read, lacks columns, or has cells that are empty or no number. All are named.
    """
    path = Path(spec["path"])
    rows = read_rows(spec, None)
    others = [name for name in rows.columns if name not in (spec["labels"], spec["ids"], spec["splits"])]
    features = list(spec["features"] or others)
    if unknown := [name for name in features if name not in rows.columns]:
        allowed = f"is no column of {path}; there are: {listed(rows.columns, SHOWN)}"
        raise UserError(*(Problem("features", name, allowed, "name columns of the table") for name in unknown))
    values, wrong = _numbers(path, rows, features)
    if problems := [*wrong, *rows.problems]:
        raise UserError(*problems)
    if rows.left_out:
        print(f"{path}: left out {rows.left_out}", file=sys.stderr)
    (labels,), class_names = encode([(str(path), np.array(rows.labels))])
    changes = {"features": listed(features)} | ({"left_out": rows.left_out} if rows.left_out else {})
    whole = table_split(values, labels, strings(rows.ids), class_names, "table", str(path), changes=changes)
    return scaled(divided(whole, rows, spec), spec["scaling"])


def read_sklearn(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits of a data set that is part of scikit-learn: iris, wine or breast_cancer."""
    from sklearn import datasets

    name = spec["source"]
    data = getattr(datasets, f"load_{name}")()
    labels, changes = data.target.astype(np.int64), {"features": listed(data.feature_names)}
    names = tuple(str(each) for each in data.target_names)
    whole = table_split(data.data, labels, numbered(name, len(labels), 3), names, name, name, changes=changes)
    return scaled(train_and_test(whole, spec), spec["scaling"])


def table_split(
    values: NDArray[Any],
    labels: Labels,
    ids: Strings,
    class_names: tuple[str, ...],
    source: str,
    origin: str,
    *,
    scale: str = "",
    changes: Mapping[str, str] | None = None,
) -> Split:
    """A split of rows (N, features), or of several layers (N, layers, features), in memory."""
    rows = values.reshape(len(values), -1, 1, values.shape[-1])

    def read(wanted: Rows) -> NDArray[np.float32]:
        return rows[wanted].astype(np.float32)

    return Split(
        source=source,
        origin=origin,
        labels=labels,
        ids=ids,
        class_names=class_names,
        image_shape=rows.shape[1:],
        dtype=np.dtype(np.float32),
        read=read,
        scale=scale or SCALES["none"],
        is_table=True,
        changes=changes or {},
    )


def scaled(splits: dict[str, Split], scaling: str) -> dict[str, Split]:
    """The splits with each feature scaled as the training split says; constant features become 0."""
    if scaling == "none":
        return splits
    train = splits["train"].read(np.arange(len(splits["train"]))).astype(np.float64)
    if scaling == "unit":
        zero, size = train.min(axis=0), np.ptp(train, axis=0)
    else:
        zero, size = train.mean(axis=0), train.std(axis=0)
    size[size == 0] = np.inf

    def reader(split: Split) -> Split:
        def read(rows: Rows) -> NDArray[np.float32]:
            values: NDArray[np.float32] = ((split.read(rows) - zero) / size).astype(np.float32)
            return values

        return replace(split, read=read, scale=SCALES[scaling])

    return {name: reader(split) for name, split in splits.items()}


def _numbers(path: Path, rows: LabelledRows, features: Sequence[str]) -> tuple[NDArray[np.float64], list[Problem]]:
    """Numbers (n, features), NaN where there are none, and the problems of these cells."""
    import pandas as pd

    columns = {name: pd.to_numeric(pd.Series(rows.columns[name]), errors="coerce").to_numpy() for name in features}
    values = np.stack([column.astype(np.float64) for column in columns.values()], axis=1)
    return values, [*_no_numbers(path, rows, features, values)]


def _no_numbers(
    path: Path, rows: LabelledRows, features: Sequence[str], values: NDArray[np.float64]
) -> Iterator[Problem]:
    """A problem for each column with cells that are no finite number."""
    for column, name in enumerate(features):
        wrong = np.flatnonzero(~np.isfinite(values[:, column]))
        if len(wrong):
            cells = [f"{rows.ids[row]}: {rows.columns[name][row] or 'empty'}" for row in wrong[:SHOWN]]
            found = f"{len(wrong)} {'cell' if len(wrong) == 1 else 'cells'} ({listed(cells)})"
            allowed = f"the column {name} has cells that are no numbers"
            yield Problem(str(path), found, allowed, "repair or remove these rows, or list the columns under features")
