"""The pair that a figure shows where there is room for one, and its mean confusion matrix."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workflow_lib.confusion.runs import read
from workflow_lib.confusion.tables import row_shares
from workflow_lib.errors import Problem, UserError, listed, write_nearest

SHOWN = 10
"""Largest number of pairs listed in a message."""


@dataclass(frozen=True)
class Example:
    """Mean confusion matrices of the baseline and of one pair.

    Attributes:
        shares: (1 or 2, n, n), by true and predicted class, 0 to 1; NaN: not known. The baseline comes first.
        classes: n names.
        runs: number of runs of each matrix.
        pair: indices of the two classes that were mistrained in the second matrix; empty if there is only the baseline.
        note: how the pair was chosen; may be empty.
    """

    shares: npt.NDArray[np.float64]
    classes: tuple[str, ...]
    runs: tuple[int, ...]
    pair: tuple[int, ...] = ()
    note: str = ""


def example(counts: xr.Dataset, pairs: pd.DataFrame, wanted: Sequence[str] | None) -> Example:
    """The matrices of the baseline and of a pair, means over their runs.

    Args:
        counts: store of all runs; only these two are read.
        pairs: as for `choose_pair`.
        wanted: as for `choose_pair`.

    Raises:
        UserError: a pair that the study does not have.
    """
    place, note = choose_pair(pairs, wanted, ordered=counts.attrs["mode"] == "one_way")
    runs = read(counts.isel(pair=[0] if place is None else [0, place]))
    pair = tuple(int(member) for member in runs.member[-1] if member >= 0)
    return Example(row_shares(runs.predictions), runs.classes, tuple(runs.counted.tolist()), pair, note)


def choose_pair(pairs: pd.DataFrame, wanted: Sequence[str] | None, *, ordered: bool = False) -> tuple[int | None, str]:
    """The row of the pair to show, and a sentence on the choice.

    By default, the pair that changes the mean accuracy of the other classes most. The effect on the two classes
    themselves is much the same for all pairs.

    Args:
        pairs: table of pairs; the baseline is the first row.
        wanted: names of the two classes; None: choose.
        ordered: whether [A, B] and [B, A] are two pairs.

    Returns:
        The row is None if the study has no pairs.

    Raises:
        UserError: a pair that the study does not have.
    """
    if wanted is not None:
        return _row_of(pairs, wanted, tuple if ordered else frozenset), ""
    if len(pairs) < 2:
        return None, ""
    change = (pairs["accuracy_others"] - pairs["baseline_others"]).abs()[1:]
    chosen = 1 if change.isna().all() else int(change.to_numpy(dtype=float, na_value=-1).argmax()) + 1
    return chosen, "The pair shown is the one that changes the mean accuracy of the other classes most."


def _row_of(pairs: pd.DataFrame, wanted: Sequence[str], as_key: Callable[[Iterable[str]], Hashable]) -> int:
    names = [as_key(both) for both in zip(pairs["class_a"], pairs["class_b"], strict=True)]
    if as_key(wanted) in names[1:]:
        return names.index(as_key(wanted))
    known = [f"[{a}, {b}]" for a, b in zip(pairs["class_a"][1:], pairs["class_b"][1:], strict=True)]
    found = f"[{', '.join(wanted)}]"
    allowed = f"the study has no such pair; its pairs are {listed(known, SHOWN)}"
    repair = write_nearest(found, known, "choose one of these") + ", or leave example_pair out"
    raise UserError(Problem("confusion.studies: example_pair", found, allowed, repair))
