"""Rows of a user's table with labels, and their split: what texts and tables of numbers have in common."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.labels import SHOWN
from workflow_lib.datasets.selection import Samples, train_and_test
from workflow_lib.datasets.text_table import read_text_columns
from workflow_lib.errors import Problem, listed

SPLITS = ("train", "test")


class LabelledRows(NamedTuple):
    """Rows of a table, in the order of the file.

    Attributes:
        columns: texts of each column, by name.
        labels: class of each row, by name.
        ids: unique name of each row.
        in_test: (n,) whether each row is in the test split; None if that is to be drawn.
        left_out: rows of other splits, counted and named; "" if there are none.
        problems: gaps and repetitions.
    """

    columns: dict[str, list[str]]
    labels: list[str]
    ids: list[str]
    in_test: NDArray[np.bool_] | None
    left_out: str
    problems: list[Problem]


def read_rows(spec: Mapping[str, Any], names: Mapping[str, str] | None) -> LabelledRows:
    """The rows of `spec["path"]` that belong to a split, with the columns `names`, by their keys, or all.

    Rows are named by the column `ids`, or `row-00017` by their place in the file. If there is a column `splits`, rows
    of splits other than train and test are left out.

    Raises:
        UserError: the file cannot be read, or lacks columns or rows.
    """
    path, keys = Path(spec["path"]), ("labels", "splits", "ids")
    roles = {key: spec[key] for key in keys if spec[key]}
    columns = read_text_columns(path, {**(names or {}), **roles}, all_columns=names is None)
    count = len(columns[spec["labels"]])
    splits = columns[spec["splits"]] if spec["splits"] else None
    others = Counter(split for split in splits or () if split not in ("", *SPLITS))
    kept = [row for row in range(count) if splits is None or splits[row] not in others]
    chosen = {name: [texts[row] for row in kept] for name, texts in columns.items()}
    places = [f"row-{row:05d}" for row in kept]
    ids = chosen[spec["ids"]] if spec["ids"] else places
    named = [identity if identity.strip() else place for identity, place in zip(ids, places, strict=True)]
    problems = [problem for name in roles.values() for problem in empty(path, name, chosen[name], named)]
    problems += _no_rows(path, splits, spec)
    problems += _repeated(path, chosen[spec["ids"]]) if spec["ids"] else []
    return LabelledRows(
        columns=chosen,
        labels=chosen[spec["labels"]],
        ids=ids,
        in_test=None if splits is None else np.array([splits[row] == "test" for row in kept], dtype=bool),
        left_out=f"rows of other splits: {listed(f'{n} of {split}' for split, n in others.items())}" if others else "",
        problems=problems,
    )


def divided(samples: Samples, rows: LabelledRows, spec: Mapping[str, Any]) -> dict[str, Samples]:
    """Train and test, as the column of splits says, or drawn by `test_fraction`."""
    if rows.in_test is None:
        return train_and_test(samples, spec)
    parts = {"train": ~rows.in_test, "test": rows.in_test}
    return {name: samples.take(np.flatnonzero(chosen)) for name, chosen in parts.items()}


def empty(path: Path, name: str, texts: Sequence[str], ids: Sequence[str]) -> Iterator[Problem]:
    """The problem of rows in which nothing can be seen in a column: it is empty, or has only blanks."""
    found = [
        identity
        for text, identity in zip(texts, ids, strict=True)
        if not any(sign.isprintable() and not sign.isspace() for sign in text)
    ]
    if found:
        words = f"{len(found)} {'row' if len(found) == 1 else 'rows'}: {listed(found, SHOWN)}"
        yield Problem(str(path), words, f"the column {name} is empty there", "fill it, or remove the rows")


def _repeated(path: Path, ids: Sequence[str]) -> list[Problem]:
    twice = [name for name, count in Counter(ids).items() if count > 1 and name.strip()]
    repair = "give every row an id of its own"
    return [Problem(str(path), listed(twice, SHOWN), "several rows have the same id", repair)] if twice else []


def _no_rows(path: Path, splits: Sequence[str] | None, spec: Mapping[str, Any]) -> Iterator[Problem]:
    for name in SPLITS:
        if splits is not None and name not in splits:
            present = listed(sorted({*splits} - {""}), SHOWN)
            allowed = f"no row has the split {name}; there are: {present}"
            yield Problem(str(path), spec["splits"], allowed, "write train and test there, or give test_fraction")
