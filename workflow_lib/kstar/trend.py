"""Rank correlations over all rows of a study: does accuracy rise with k*? (docs/science.md 1.11)."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from workflow_lib import seeds

RESAMPLES = 1000
LEVEL = 0.95
"""Share of resamples inside an interval, from the equal tails of their percentiles."""
FEWEST = 3
"""Fewer rows have no correlation: two always give 1 or -1."""
PAIRS = (
    ("accuracy", "mean"),
    ("accuracy", "skewness"),
    ("accuracy", "strength"),
    ("mean", "strength"),
    ("skewness", "strength"),
)
"""What is compared with what; `strength` is that of the transform."""


class Correlation(NamedTuple):
    """Spearman's rank correlation.

    Attributes:
        n: number of pairs without NaN.
        rho: -1 to 1; NaN for fewer than three pairs, or if all values of one of the two are equal.
        rho_low, rho_high: 95 % percentile interval of 1,000 resamples of the pairs; NaN if rho is.
    """

    n: int
    rho: float
    rho_low: float
    rho_high: float


def spearman(x: npt.ArrayLike, y: npt.ArrayLike, *, seed: int = 0) -> Correlation:
    """Spearman's rank correlation of x and y, (n,) numbers each, with a bootstrap interval.

    Equal values share their mean rank, as in `scipy.stats.spearmanr`. A pair with a NaN is left out. Resamples in which
    all values of x or y are equal have no correlation, and the interval leaves them out.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    known = ~(np.isnan(a) | np.isnan(b))
    n = int(known.sum())
    if n < FEWEST:
        return Correlation(n, *[float("nan")] * 3)
    p, q = (np.unique(values[known], return_inverse=True)[1] for values in (a, b))
    rho = _weighted(p, q, np.ones(n))
    if np.isnan(rho):
        return Correlation(n, *[float("nan")] * 3)
    generator = seeds.generator("spearman", seed)
    drawn = [_weighted(p, q, np.bincount(generator.integers(0, n, n), minlength=n)) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Correlation(n, rho, float(low), float(high))


def _weighted(x: npt.NDArray[np.intp], y: npt.NDArray[np.intp], counts: npt.NDArray[np.number]) -> float:
    """Correlation of pairs that occur `counts` times; x and y number the distinct values in ascending order."""
    a, b = _centred_ranks(x, counts), _centred_ranks(y, counts)
    scale = np.sqrt((counts @ a**2) * (counts @ b**2))
    return float(counts @ (a * b) / scale) if scale else float("nan")


def _centred_ranks(codes: npt.NDArray[np.intp], counts: npt.NDArray[np.number]) -> npt.NDArray[np.float64]:
    """Mean rank of each value minus the mean of all ranks, which is half the number of values."""
    sizes = np.bincount(codes, counts)
    ranks: npt.NDArray[np.float64] = (np.cumsum(sizes) - (sizes + counts.sum()) / 2)[codes]
    return ranks


def trend_table(classes: pd.DataFrame) -> pd.DataFrame:
    """Rank correlations over all rows of a study.

    All rows count alike, and the interval treats them as independent. Rows of one network are not: its layers and
    metrics share their accuracies. So the interval is too narrow if a study varies these.

    Args:
        classes: a row per point and class with mean, skewness, accuracy, and strength if transforms have one.

    Returns:
        A row per pair of `PAIRS`, those with strength only if it varies: value, against, n (rows with both), rho,
        rho_low and rho_high as in `Correlation`.
    """
    varied = "strength" in classes and classes["strength"].nunique() > 1
    rows = [
        (value, against, *spearman(classes[value], classes[against]))
        for value, against in PAIRS
        if against != "strength" or varied
    ]
    return pd.DataFrame(rows, columns=["value", "against", *Correlation._fields])
