"""Rows of numbers with labels: from a user's table, and the small ones of scikit-learn."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.files import require_names
from workflow_lib.datasets.labelled_rows import LabelledRows, divided, read_rows
from workflow_lib.datasets.labels import SHOWN, encode, names_or_numbers
from workflow_lib.datasets.selection import train_and_test
from workflow_lib.datasets.split import Labels, Rows, Split, Strings, numbered, strings
from workflow_lib.errors import Problem, UserError, listed, yaml_text

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
    features = _features(path, rows, spec)
    values, wrong = _numbers(path, rows, features)
    if problems := [*wrong, *rows.problems]:
        raise UserError(*problems)
    if rows.left_out:
        print(f"{path}: left out {rows.left_out}", file=sys.stderr)
    (labels,), class_names = encode([(str(path), names_or_numbers(rows.labels))])
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
    changes: Mapping[str, str] | None = None,
) -> Split:
    """A split of rows (N, features) float64 in memory."""
    rows = values[:, None, None]
    return Split(
        source=source,
        origin=origin,
        labels=labels,
        ids=ids,
        class_names=class_names,
        image_shape=rows.shape[1:],
        dtype=np.dtype(np.float32),
        read=rows.__getitem__,
        is_table=True,
        changes=changes or {},
    )


def scaled(splits: dict[str, Split], scaling: str) -> dict[str, Split]:
    """The splits as float32, with each feature scaled as the training split says; constant features become 0."""
    train = splits["train"].read(np.arange(len(splits["train"])))
    if scaling == "none":
        zero, size = np.zeros(1), np.ones(1)
    elif scaling == "unit":
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


def _features(path: Path, rows: LabelledRows, spec: Mapping[str, Any]) -> list[str]:
    """Names of the columns of numbers.

    Raises:
        UserError: there are none, some are no columns of the table, or some that were not asked for have no name.
    """
    if chosen := spec["features"]:
        require_names(path, {f"features.{place}": name for place, name in enumerate(chosen)}, list(rows.columns))
        return list(chosen)
    others = [name for name in rows.columns if name not in (spec["labels"], spec["ids"], spec["splits"])]
    if unnamed := [name for name in others if not name.strip() or name.startswith("Unnamed: ")]:
        allowed = "a column has no name, such as the index that pandas writes, and would be taken for a feature"
        repair = "write the table without it (index=False), or list the columns under features"
        raise UserError(Problem(str(path), yaml_text(unnamed[0]), allowed, repair))
    if not others:
        raise UserError(Problem(str(path), listed(rows.columns), "the table has no columns of numbers", "add some"))
    return others


def _numbers(path: Path, rows: LabelledRows, features: Sequence[str]) -> tuple[NDArray[np.float64], list[Problem]]:
    """Numbers (n, features), NaN where there are none, and the problems of these cells."""
    import pandas as pd

    columns = {name: pd.to_numeric(pd.Series(rows.columns[name]), errors="coerce").to_numpy() for name in features}
    values = np.stack([column.astype(np.float64) for column in columns.values()], axis=1)
    return values, [*_no_numbers(path, rows, features, values)]


def _no_numbers(
    path: Path, rows: LabelledRows, features: Sequence[str], values: NDArray[np.float64]
) -> Iterator[Problem]:
    """A problem for each of the first columns with cells that are no finite number of single precision."""
    is_wrong = ~(np.abs(values) <= np.finfo(np.float32).max)  # also NaN
    columns = np.flatnonzero(is_wrong.any(axis=0)).tolist()
    for column in columns[:SHOWN]:
        name, wrong = features[column], np.flatnonzero(is_wrong[:, column])
        cells = [f"{rows.ids[row]}: {rows.columns[name][row] or 'empty'}" for row in wrong[:SHOWN]]
        found = f"{len(wrong)} {'cell' if len(wrong) == 1 else 'cells'} ({listed(cells)})"
        allowed = f"the column {name} has cells that are no finite numbers (float32)"
        yield Problem(str(path), found, allowed, "repair or remove these rows, or list the columns under features")
    if more := columns[SHOWN:]:
        names = listed((features[column] for column in more), SHOWN)
        yield Problem(str(path), f"{len(more)} more columns: {names}", "have such cells, too", "repair them likewise")
