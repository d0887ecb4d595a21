"""Spearman's rank correlation with a bootstrap interval (docs/science.md 1.11)."""

from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from workflow_lib import seeds

RESAMPLES = 1000
LEVEL = 0.95
"""Share of resamples inside an interval, from the equal tails of their percentiles."""
FEWEST = 3
"""Fewer rows have no correlation: two always give 1 or -1."""
FEWEST_DRAWN = 5
"""From so many networks on, networks are drawn, and from so many rows on, rows; resamples of fewer hardly differ."""


class Correlation(NamedTuple):
    """Spearman's rank correlation.

    Attributes:
        n: number of pairs without NaN.
        rho: -1 to 1; NaN for fewer than three pairs, or if all values of one of the two are equal.
        rho_low, rho_high: 95 % percentile interval of 1,000 resamples; NaN if rho is, or for fewer than five pairs.
        resampled: what was drawn for the interval; None without one.
    """

    n: int
    rho: float = float("nan")
    rho_low: float = float("nan")
    rho_high: float = float("nan")
    resampled: Literal["networks", "rows"] | None = None


def spearman(
    x: npt.ArrayLike, y: npt.ArrayLike, networks: npt.ArrayLike | None = None, *, seed: int = 0
) -> Correlation:
    """Spearman's rank correlation of x and y, (n,) numbers each, with a bootstrap interval.

    Equal values share their mean rank, as in `scipy.stats.spearmanr`. A pair with a NaN is left out. Resamples in which
    all values of x or y are equal have no correlation, and the interval leaves them out.

    Args:
        x: first numbers.
        y: second numbers.
        networks: (n,) number of the network of each pair. If there are `FEWEST_DRAWN` or more, whole networks are
            drawn, each with all its pairs. Else, or if it is None, single pairs are.
        seed: of the draws.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    known = ~(np.isnan(a) | np.isnan(b))
    n = int(known.sum())
    if n < FEWEST:
        return Correlation(n)
    p, q = (np.unique(values[known], return_inverse=True)[1] for values in (a, b))
    rho = _weighted(p, q, np.ones(n))
    if np.isnan(rho) or n < FEWEST_DRAWN:
        return Correlation(n, rho)
    units, count = np.arange(n), n
    resampled: Literal["networks", "rows"] = "rows"
    if networks is not None and len(found := np.unique(np.asarray(networks)[known])) >= FEWEST_DRAWN:
        units, count, resampled = np.searchsorted(found, np.asarray(networks)[known]), len(found), "networks"
    generator = seeds.generator("spearman", seed)
    drawn = [
        _weighted(p, q, np.bincount(generator.integers(0, count, count), minlength=count)[units])
        for _ in range(RESAMPLES)
    ]
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Correlation(n, rho, float(low), float(high), resampled)


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
