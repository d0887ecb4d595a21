"""Convert labels to class indices, and check labelled samples."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.split import Labels, Strings
from workflow_lib.errors import Problem, UserError, listed

SHOWN = 10
"""Largest number of names listed in one message."""

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, such as line breaks, and surrogates from bytes that are not Unicode."""


def encode(
    parts: Sequence[tuple[str, NDArray[Any]]], class_names: Iterable[object] | None = None
) -> tuple[list[Labels], tuple[str, ...]]:
    """Class indices of several sets of labels with the same classes.

    Args:
        parts: pairs (origin, labels (N,)); labels are whole numbers or text.
        class_names: names of the classes 0...n-1. Without them, the classes are the sorted distinct values of all
            parts: text is its own name, a number is named by its digits.

    Returns:
        int64 labels in [0, n) for each part, and the n class names.

    Raises:
        UserError: labels of another type, a number outside 0...n-1, a negative number, an unknown class name.
    """
    plain = [_plain(labels, origin) for origin, labels in parts]
    distinct = set().union(*plain)
    if len({isinstance(value, str) for value in distinct}) > 1:
        where = " and ".join(origin for origin, _ in parts)
        raise UserError(Problem(where, "", "some labels are text and some are numbers", "use one kind"))
    if class_names is None:
        values = sorted(distinct)
        names = tuple(str(value) for value in values)
    else:
        names = tuple(str(name) for name in class_names)
        values = list(names) if any(isinstance(value, str) for value in distinct) else list(range(len(names)))
    index = {value: number for number, value in enumerate(values)}
    problems = [
        problem for (origin, _), part in zip(parts, plain, strict=True) for problem in _unknown(part, index, origin)
    ]
    if problems:
        raise UserError(*problems)
    return [np.array([index[value] for value in part], dtype=np.int64) for part in plain], names


def _plain(labels: NDArray[Any], origin: str) -> Sequence[Any]:
    """The labels as Python integers (not negative) or text."""
    labels = np.asarray(labels)
    if labels.ndim == 1 and labels.dtype.kind in "iub":
        _require_no_negative(labels, origin)
        return list(labels.astype(np.int64).tolist())
    if labels.ndim == 1 and labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    if labels.ndim == 1 and labels.dtype.kind in "UTO" and all(isinstance(value, str) for value in labels):
        return list(labels.tolist())
    found = f"labels of type {labels.dtype}, shape {labels.shape}{_first_missing(labels)}"
    allowed = "labels are one whole number or one text per sample"
    raise UserError(Problem(origin, found, allowed, "save them as a one-dimensional array of integers or strings"))


def _require_no_negative(labels: NDArray[Any], origin: str) -> None:
    rows = np.flatnonzero(labels < 0).tolist()
    if rows:
        found = f"label {labels[rows[0]]} of row {rows[0]}{_and_more(rows)}"
        repair = "leave out samples without a label, and number the classes from 0"
        raise UserError(Problem(origin, found, "labels are not negative", repair))


def _first_missing(labels: NDArray[Any]) -> str:
    """Row of the first None or NaN, as the end of a phrase."""
    rows = [row for row, value in enumerate(labels.tolist()) if value is None or value != value]
    return f", row {rows[0]} has no label" if rows else ""


def _and_more(rows: Sequence[int]) -> str:
    return f" and {len(rows) - 1} more" if len(rows) > 1 else ""


def _unknown(values: Sequence[Any], index: Mapping[Any, int], origin: str) -> list[Problem]:
    """The problem of labels that are not in the class index."""
    rows = [row for row, value in enumerate(values) if value not in index]
    if not rows:
        return []
    found = f"label {values[rows[0]]} of row {rows[0]}{_and_more(rows)}"
    if isinstance(values[0], str):
        allowed = f"the classes are {listed(index, SHOWN)}"
    else:
        allowed = f"labels are whole numbers from 0 to {len(index) - 1}, one per class"
    return [Problem(origin, found, allowed, "correct these labels or the class names")]


def problems_of(labels: Labels, ids: Strings, class_names: Sequence[str], origin: str) -> list[Problem]:
    """Reasons why labelled samples cannot be analysed: different lengths, repeated ids or names, classes too small.

    k* (docs/science.md 1.1) needs a sample of another class for each sample, hence two classes. A sample that is alone
    in its class has no neighbour of its own class; this is almost always a mistake in the data.
    """
    problems = []
    if len(labels) != len(ids):
        found = f"{len(labels)} labels, {len(ids)} ids"
        problems.append(Problem(origin, found, "each sample has one of each", "save as many ids as labels"))
    repeated = _repeated(ids.tolist())
    if repeated:
        allowed = "several samples have the same id"
        problems.append(Problem(origin, listed(repeated, SHOWN), allowed, "give every sample an id of its own"))
    wrong = _repeated(class_names) + ["an empty name" for name in class_names if not name.strip()]
    if wrong:
        allowed = "class names are unique and not empty"
        problems.append(Problem(origin, listed(wrong, SHOWN), allowed, "rename the classes"))
    for kind, names in (("ids", ids.tolist()), ("class names", class_names)):
        if unprintable := [ascii(name) for name in names if UNPRINTABLE.search(name)]:
            allowed = f"{kind} are Unicode without line breaks and other control characters"
            problems.append(Problem(origin, listed(unprintable, SHOWN), allowed, "take these characters out"))
    if len(class_names) < 2:
        found = f"only class {class_names[0]}" if class_names else "no class"
        allowed = "k* compares classes and needs two at least"
        problems.append(Problem(origin, found, allowed, "add samples of another class"))
    return problems + _small_classes(labels, class_names, origin)


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


def _small_classes(labels: Labels, class_names: Sequence[str], origin: str) -> list[Problem]:
    sizes = np.bincount(labels, minlength=len(class_names)).tolist()
    problems = []
    for size, words in ((0, "no sample"), (1, "one sample")):
        small = [name for name, count in zip(class_names, sizes, strict=True) if count == size]
        if small:
            allowed = f"a class has {words}, and two are needed"
            repair = "add samples, or leave the class out"
            problems.append(Problem(origin, f"class {listed(small, SHOWN)}", allowed, repair))
    return problems
