"""Rank correlation of two matrices of classes by classes, tested by permuting classes (docs/science.md 4.2)."""

import itertools
import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from workflow_lib.seeds import generator
from workflow_lib.statistics import EQUAL

Array = npt.NDArray[np.float64]
Orders = npt.NDArray[np.int64]

FEWEST = 3
"""Fewer pairs have no correlation: two always give 1 or -1."""
DECIMALS = 12
"""Values are rounded to so many decimals, so that rounding errors do not break ties."""
AT_ONCE = 2**22
"""Entries of an array in memory."""


@dataclass(frozen=True)
class Correlation:
    """Spearman's rank correlation of two matrices over pairs of classes.

    Attributes:
        n: number of pairs with both values: ordered pairs, or unordered ones if the matrices were made symmetric.
        rho: -1 to 1; NaN if undefined.
        p: two-sided; NaN if undefined.
        undefined: why rho and p are NaN; "" if they are not.
    """

    n: int
    rho: float = float("nan")
    p: float = float("nan")
    undefined: str = ""


def orders_of(n: int, most: int, seed: int) -> tuple[Orders, bool]:
    """Orders of n classes, (m, n), the first one unchanged; and whether they are all orders there are.

    All n! orders if they are no more than `most`; else `most` random ones after the first.
    """
    if math.factorial(n) <= most:
        return np.array(list(itertools.permutations(range(n)))), True
    drawn = generator("relations", "orders", seed).permuted(np.tile(np.arange(n), (most, 1)), axis=1)
    return np.vstack([np.arange(n), drawn]), False


def correlate(x: Array, y: Array, orders: Orders, *, directed: bool) -> Correlation:
    """Correlate two measures over all pairs of different classes (Mantel 1967, with ranks).

    Pairs that share a class depend on each other, so pairs must not be exchanged one by one. If the measures have
    nothing to do with each other, classes can be: rows and columns of x are permuted together. p is the share of the
    orders with a correlation at least as far from 0. The first order counts, so p is never 0.

    Args:
        x: (n, n); NaN if not defined. The diagonal is ignored.
        y: (n, n).
        orders: (m, n), from `orders_of`.
        directed: whether entries (A, B) and (B, A) are pairs of their own. If not, both matrices are replaced by the
            means of the two directions, NaN if one of them is.
    """
    x, y = (np.round(_off_diagonal(m if directed else (m + m.T) / 2), DECIMALS) for m in (x, y))
    known = np.isfinite(x) & np.isfinite(y)
    found = Correlation(int(known.sum()) // (1 if directed else 2))
    if reason := _degenerate(found.n, x[known], y[known]):
        return replace(found, undefined=reason)
    rhos = _permuted(x, y, orders)
    as_far = ~(np.abs(rhos) < abs(rhos[0]) - 1e-12)  # also orders without a correlation
    return replace(found, rho=float(rhos[0]), p=float(as_far.mean()))


def _off_diagonal(matrix: Array) -> Array:
    return np.where(np.eye(len(matrix), dtype=bool), np.nan, matrix)


def _degenerate(n: int, x: Array, y: Array) -> str:
    """Why there is no correlation; "" if there is one."""
    if n < FEWEST:
        return f"only {n} pairs have both values" if n else "no pair has both values"
    for name, values in (("first", x), ("second", y)):
        if np.ptp(values) <= EQUAL * np.abs(values).max():
            return f"all values of the {name} measure are equal"
    return ""


def _permuted(x: Array, y: Array, orders: Orders) -> Array:
    """(m,) correlation for each order of the classes of x; NaN if an order leaves fewer than two different values."""
    off = ~np.eye(len(x), dtype=bool)
    complete = bool(np.isfinite(x[off]).all() and np.isfinite(y[off]).all())
    if complete:  # then the ranks of x move with its entries
        x, y = (_centred_ranks(m.reshape(1, -1)).reshape(m.shape) for m in (x, y))
    elif np.isfinite(x).sum() < np.isfinite(y).sum():
        x, y = y, x  # so that fewer entries are ranked again
    known = np.isfinite(y).ravel()
    parts = []
    for some in np.array_split(orders, math.ceil(orders.shape[0] * x.size / AT_ONCE)):
        moved = x[some[:, :, None], some[:, None, :]].reshape(len(some), -1)
        if complete:
            parts.append(moved @ y.ravel() / np.sqrt((x**2).sum() * (y**2).sum()))
        else:
            parts.append(_spearman(moved[:, known], y.ravel()[known]))
    return np.concatenate(parts)


def _spearman(x: Array, y: Array) -> Array:
    """(m,) correlation of each row of x (m, k) with y (k,), over the entries that both have."""
    both = np.isfinite(x) & np.isfinite(y)
    a, b = (_centred_ranks(np.where(both, values, np.nan)) for values in (x, y))
    scale = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    rhos: Array = np.divide((a * b).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
    return rhos


def _centred_ranks(values: Array) -> Array:
    """Ranks in each row of (m, k), equal values with their mean rank, minus the mean of the row; 0 for NaN."""
    ranks = pd.DataFrame(values).rank(axis=1)
    return ranks.sub(ranks.mean(axis=1), axis=0).fillna(0).to_numpy()
