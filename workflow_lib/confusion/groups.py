"""Permutation test: are the bits larger within groups of classes than between them? (docs/science.md 3.4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workflow_lib.confusion.information import REFERENCES
from workflow_lib.seeds import generator

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]

MEASURES = ("bits_accuracy", "bits_predictions")
NULL = "the names of the groups are dealt out to the classes at random, rows and columns of a class together"
COLUMNS = (
    *("reference", "measure", "groups", "n_classes", "n_within", "n_between", "mean_within", "mean_between"),
    *("difference", "p", "permutations", "null", "undefined"),
)
AT_ONCE = 2**22
"""Entries (permutations x classes) of an array in memory."""


@dataclass(frozen=True)
class GroupTest:
    """Means of a matrix within and between groups of its rows and columns.

    Attributes:
        n_within, n_between: number of defined entries, without the diagonal.
        within, between: their means; NaN if there are none.
        p: two-sided; NaN if undefined.
        undefined: why p is NaN; "" if it is not.
    """

    n_within: int
    n_between: int
    within: float
    between: float
    p: float
    undefined: str = ""


def group_table(
    effects: pd.DataFrame, groups: Mapping[str, Sequence[str]], permutations: int, seed: int
) -> pd.DataFrame:
    """A row per reference and measure of bits.

    Args:
        effects: from `effects.effect_table`.
        groups: names of classes by name of the group; classes without a group are left out.
        permutations: number of random permutations.
        seed: of the permutations.

    Returns:
        reference, measure, groups (names), n_classes, n_within and n_between (ordered pairs of classes), mean_within,
        mean_between, difference (within - between; bits), p, permutations, null (what is permuted), undefined (why p
        is NaN). Without groups there are no rows.
    """
    if not groups:
        return pd.DataFrame(columns=list(COLUMNS))
    names = [name for members in groups.values() for name in members]
    labels = np.repeat(np.arange(len(groups)), [len(members) for members in groups.values()])
    rows: list[dict[str, Any]] = []
    for reference in REFERENCES:
        own = effects[(effects["reference"] == reference) & (effects["unit"] == "run")]
        for measure in MEASURES:
            matrix = own.pivot(index="target", columns="confused", values=measure).reindex(names, columns=names)
            source = generator("confusion", "groups", seed, reference, measure)
            test = permutation_test(matrix.to_numpy(dtype=np.float64), labels, permutations, source)
            rows.append(
                {
                    "reference": reference,
                    "measure": measure,
                    "groups": ", ".join(groups),
                    "n_classes": len(names),
                    "n_within": test.n_within,
                    "n_between": test.n_between,
                    "mean_within": test.within,
                    "mean_between": test.between,
                    "difference": test.within - test.between,
                    "p": test.p,
                    "permutations": permutations,
                    "null": NULL,
                    "undefined": test.undefined,
                }
            )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def permutation_test(matrix: Array, labels: Labels, permutations: int, source: np.random.Generator) -> GroupTest:
    """Test of the mean within groups against the mean between them (Mantel 1967).

    Entries of a row share the target's runs, and entries of a column share the confused class, so single entries must
    not be exchanged. If groups do not matter, classes can be: labels are permuted, for rows and columns together.
    p = (b + 1) / (m + 1), where b of m permutations give a difference of means at least as far from 0 as the observed
    one. Few classes have few partitions, so p cannot be small: 2 + 2 classes give 1/3 or more.

    Args:
        matrix: (k, k); NaN if not defined. The diagonal is ignored.
        labels: (k,) number of the group of each class.
        permutations: m.
        source: random generator.
    """
    known = np.isfinite(matrix) & ~np.eye(len(matrix), dtype=bool)
    values = np.where(known, matrix, 0.0)
    (within,), (n_within,) = _sums(values, labels[None]), _sums(known.astype(np.float64), labels[None])
    totals = values.sum(), known.sum()
    n_between = int(totals[1] - n_within)
    means = _ratio(within, n_within), _ratio(totals[0] - within, n_between)
    if not (n_within and n_between):
        reason = f"no pairs of classes {'between' if n_within else 'within'} groups"
        return GroupTest(int(n_within), n_between, *means, float("nan"), reason)
    found, as_far = abs(means[0] - means[1]), 0
    rounding = 1e-12 * np.abs(values).max()
    step = max(AT_ONCE // max(len(labels), 1), 1)
    for start in range(0, permutations, step):
        shuffled = source.permuted(np.tile(labels, (min(step, permutations - start), 1)), axis=1)
        sums, numbers = _sums(values, shuffled), _sums(known.astype(np.float64), shuffled)
        with np.errstate(invalid="ignore", divide="ignore"):  # a permutation may leave no defined entry in a group
            difference = sums / numbers - (totals[0] - sums) / (totals[1] - numbers)
        as_far += int((~(np.abs(difference) < found - rounding)).sum())
    return GroupTest(int(n_within), n_between, *means, (as_far + 1) / (permutations + 1))


def _sums(matrix: Array, labels: Labels) -> Array:
    """(m,) sum of the entries within groups, for each of (m, k) labellings."""
    total = np.zeros(len(labels))
    for group in np.unique(labels):
        chosen = (labels == group).astype(np.float64)
        total += ((chosen @ matrix) * chosen).sum(axis=1)
    return total


def _ratio(total: float, number: float) -> float:
    return float(total / number) if number else float("nan")
