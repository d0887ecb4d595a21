"""Convert labels to class indices, and check labelled samples."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.split import Labels, Strings, as_text
from workflow_lib.errors import Problem, UserError, listed

SHOWN = 10
"""Largest number of names listed in one message."""

MOST_DIGITS = 19
"""From so many digits on, a number may not fit into 64 bits."""

UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Control characters, such as line breaks, and surrogates from bytes that are not Unicode."""


def encode(
    parts: Sequence[tuple[str, NDArray[Any]]],
    class_names: Sequence[str] | None = None,
    predicted: tuple[str, NDArray[Any]] | None = None,
) -> tuple[list[Labels], tuple[str, ...]]:
    """Class indices of several sets of labels with the same classes.

    Args:
        parts: pairs (origin, labels (N,)); labels are whole numbers or text.
        class_names: names of the classes 0...n-1. Without them, the classes are the sorted distinct values of all
            parts: text is its own name, a number is named by its digits.
        predicted: (origin, predictions (N,)) in the same form. A prediction may be a class that no label has.

    Returns:
        int64 labels in [0, n) for each part and then for the predictions, where -1 is any other class; and the n
        class names.

    Raises:
        UserError: labels of another type, a number outside 0...n-1, a negative number, an unknown class name, names
            that differ only in their Unicode form or in blanks, predictions none of which is a class.
    """
    given = [*parts, *([predicted] if predicted else [])]
    plain = [_plain(labels, origin) for origin, labels in given]
    if len({isinstance(value, str) for value in set().union(*plain)}) > 1:
        where = " and ".join(origin for origin, _ in given)
        raise UserError(Problem(where, "", "some labels are text and some are numbers", "use one kind"))
    distinct = set().union(*plain[: len(parts)])
    if class_names is None:
        values = sorted(distinct)
        names = tuple(str(value) for value in values)
    else:
        names = tuple(composed(class_names, " and ".join(origin for origin, _ in parts)))
        values = list(names) if any(isinstance(value, str) for value in distinct) else list(range(len(names)))
    index = {value: number for number, value in enumerate(values)}
    problems = [
        problem for (origin, _), part in zip(parts, plain, strict=False) for problem in _unknown(part, index, origin)
    ]
    if predicted and plain[-1] and not index.keys() & set(plain[-1]):
        found = f"prediction {plain[-1][0]} of row 0{_and_more(plain[-1])}"
        allowed = f"no prediction is one of the classes, which are {listed(values, SHOWN)}"
        problems.append(Problem(predicted[0], found, allowed, "save predictions in the form of the labels"))
    if problems:
        raise UserError(*problems)
    return [np.array([index.get(value, -1) for value in part], dtype=np.int64) for part in plain], names


def names_or_numbers(texts: Sequence[str]) -> NDArray[Any]:
    """Labels of a table: whole numbers, whose classes are in the order 2, 10, if all texts are written as such.

    007 stays a text.
    """
    are_whole = all(text.isdecimal() and len(text) < MOST_DIGITS and str(int(text)) == text for text in texts)
    return np.array([int(text) for text in texts] if are_whole else texts)


def texts(values: object, origin: str) -> list[str]:
    """Class names or ids as text; bytes are decoded, and numbers are named by their digits.

    Raises:
        UserError: anything but a one-dimensional array or list of text.
    """
    try:
        array = np.asarray(values)
    except ValueError:  # lists of different lengths
        array = np.array(None)
    if array.ndim == 1 and array.dtype.kind in "iuUSTO":
        members = array.tolist()
        if all(isinstance(value, str | bytes | int) for value in members):
            return [as_text(value) for value in members]
    found = f"{array.dtype} of shape {array.shape}" if isinstance(values, np.ndarray) else type(values).__name__
    repair = 'give a list or an array with one text for each, such as ["cat", "dog"]'
    raise UserError(Problem(origin, found, "names are one-dimensional text", repair))


def composed(names: Sequence[str], origin: str) -> list[str]:
    """The names with accents in their composed form (NFC), in which all names are compared.

    Raises:
        UserError: two names differ only in this form, or in blanks around them.
    """
    if problems := look_alikes(names, origin):
        raise UserError(*problems)
    return [unicodedata.normalize("NFC", name) for name in names]


def look_alikes(names: Iterable[str], origin: str) -> list[Problem]:
    """The problem of names that differ only in their Unicode form or in blanks around them."""
    forms: dict[str, set[str]] = {}
    for name in set(names):
        forms.setdefault(unicodedata.normalize("NFC", name).strip(), set()).add(name)
    twice = [" and ".join(sorted(map(ascii, forms[name]))) for name in sorted(forms) if len(forms[name]) > 1]
    allowed = "these names look the same and differ only in their Unicode form or in blanks around them"
    repair = 'write each name in one form: unicodedata.normalize("NFC", name).strip()'
    return [Problem(origin, listed(twice, SHOWN), allowed, repair)] if twice else []


def _plain(labels: NDArray[Any], origin: str) -> Sequence[Any]:
    """The labels as Python integers (not negative) or text in NFC."""
    labels = np.asarray(labels)
    if labels.ndim == 1 and _are_whole(labels):
        _require_no_negative(labels, origin)
        return [int(value) for value in labels.tolist()]
    if labels.ndim == 1 and labels.dtype.kind in "USTO":
        members = labels.tolist()
        if all(isinstance(value, str | bytes) for value in members):
            return composed([as_text(value) for value in members], origin)
    found = f"labels of type {labels.dtype}, shape {labels.shape}{_first_missing(labels)}"
    allowed = "labels are one whole number or one text per sample"
    raise UserError(Problem(origin, found, allowed, "save them as a one-dimensional array of integers or strings"))


def _are_whole(labels: NDArray[Any]) -> bool:
    """Whether all labels are whole numbers; xarray and pandas read integers as floats where values may be missing."""
    if labels.dtype.kind == "f":
        return bool(np.all(np.isfinite(labels) & (labels == np.floor(labels))))
    return labels.dtype.kind in "iub"


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
            repair = "add samples, or list only the other classes under the key classes"
            problems.append(Problem(origin, f"class {listed(small, SHOWN)}", allowed, repair))
    return problems
