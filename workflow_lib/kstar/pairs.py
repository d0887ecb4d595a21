"""Pairs of samples: their float64 distance, which is the reference, and decisions from tiles of float32 scores.

Positions i and j refer to the samples sorted by class. A tile is a block of the upper triangle of all pairs: its first
row is position `row`, its first column position `column`. It is used for both samples of each pair. Pairs that the
bounds of `bounds.py` cannot decide are decided immediately by the float64 distance.
"""

from typing import NamedTuple

import numpy as np

from workflow_lib.kstar.compiled import compiled

EUCLIDEAN, CITYBLOCK, CHEBYSHEV = 0, 1, 2


class Rows(NamedTuple):
    """The rows to compare: position i is features[order[i]] * scale[order[i]], rounded to float64.

    Attributes:
        features: (N, d) float32 or float64, as given.
        scale: (N,) float64.
        order: (N,) int64, the row at each position, sorted by class.
        class_end: (N,) int64, the position where the class of each position ends.
        kind: EUCLIDEAN, CITYBLOCK or CHEBYSHEV.
    """

    features: np.ndarray
    scale: np.ndarray
    order: np.ndarray
    class_end: np.ndarray
    kind: int


class Bounds(NamedTuple):
    """Bounds per position: low_i + low_j - score <= distance <= high_i + high_j - score; both (N,) float32."""

    low: np.ndarray
    high: np.ndarray


class Nearest(NamedTuple):
    """Nearest foreign sample found so far, for each position.

    Attributes:
        distance: (N,) float64, from `distance_between`; infinite if none has been found yet.
        row: (N,) int64, row of the foreign sample in the features.
        limit: (N,) float32, `distance` rounded. Rounding is monotonic: a float32 number above the limit is above the
            distance, and one below the limit is below the distance.
    """

    distance: np.ndarray
    row: np.ndarray
    limit: np.ndarray


@compiled()
def distance_between(rows: Rows, i: int, j: int) -> float:
    """Float64 distance of positions i and j; for EUCLIDEAN half the squared distance, which has the same order.

    It is summed in the order of the features with plain IEEE operations. So it is the same on every machine and
    symmetric in i and j.
    """
    a, b = rows.order[i], rows.order[j]
    x, y = rows.features[a], rows.features[b]
    p, q = rows.scale[a], rows.scale[b]
    total = 0.0
    if rows.kind == EUCLIDEAN:
        for f in range(x.size):
            difference = x[f] * p - y[f] * q
            total += difference * difference
        return 0.5 * total
    if rows.kind == CITYBLOCK:
        for f in range(x.size):
            total += abs(x[f] * p - y[f] * q)
        return total
    for f in range(x.size):
        total = max(total, abs(x[f] * p - y[f] * q))
    return total


@compiled()
def consider_foreign(i: int, j: int, nearest: Nearest, rows: Rows) -> None:
    """Make j the nearest foreign sample of i if it is nearer, or equally near with a lower row."""
    distance = distance_between(rows, i, j)
    row = rows.order[j]
    if distance < nearest.distance[i] or (distance == nearest.distance[i] and row < nearest.row[i]):
        nearest.distance[i] = distance
        nearest.row[i] = row
        nearest.limit[i] = distance


@compiled("nnan", "nsz")
def _least(scores: np.ndarray, row_low: float, column_low: np.ndarray, column_least: np.ndarray) -> float:
    """Smallest lower bound of a row's pairs; also updates `column_least`, the minimum per column."""
    least = np.float32(np.inf)
    for b in range(scores.size):
        bound = (row_low + column_low[b]) - scores[b]
        least = min(least, bound)
        column_least[b] = min(column_least[b], bound)
    return float(least)


@compiled()
def search_tile(tile: np.ndarray, row: int, column: int, bounds: Bounds, nearest: Nearest, rows: Rows) -> None:
    """Update `nearest` with the foreign pairs of a tile, for both samples of each pair."""
    height, width = tile.shape
    low = bounds.low[column : column + width]
    least = np.full(width, np.inf, dtype=np.float32)
    for a in range(height):
        i = row + a
        start = max(int(rows.class_end[i]) - column, 0)
        if _least(tile[a, start:], bounds.low[i], low[start:], least[start:]) <= nearest.limit[i]:
            for b in range(start, width):
                if (bounds.low[i] + low[b]) - tile[a, b] <= nearest.limit[i]:
                    consider_foreign(i, column + b, nearest, rows)
    hopeful = np.flatnonzero(least <= nearest.limit[column : column + width])
    for a in range(height):
        i = row + a
        for j in column + hopeful:
            if j >= rows.class_end[i] and (bounds.low[i] + bounds.low[j]) - tile[a, j - column] <= nearest.limit[j]:
                consider_foreign(int(j), i, nearest, rows)


@compiled("nnan", "nsz")
def _count(
    scores: np.ndarray,
    row_low: float,
    row_high: float,
    row_limit: float,
    column: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
) -> tuple[int, int]:
    """Number of samples certainly nearer to the row than its limit, and of undecided cases for row and columns.

    `column` holds low, high, limit (float32) and the number certainly nearer so far (int32, updated).
    """
    low, high, limit, nearer = column
    row_nearer = np.int32(0)
    undecided = np.int32(0)
    for b in range(scores.size):
        below = (row_low + low[b]) - scores[b]
        above = (row_high + high[b]) - scores[b]
        sure_of_row = np.int32(above < row_limit)
        sure_of_column = np.int32(above < limit[b])
        row_nearer += sure_of_row
        nearer[b] += sure_of_column
        undecided += np.int32(below <= row_limit) - sure_of_row
        undecided += np.int32(below <= limit[b]) - sure_of_column
    return int(row_nearer), int(undecided)


@compiled()
def count_tile(
    tile: np.ndarray, row: int, column: int, bounds: Bounds, nearest: Nearest, rows: Rows, nearer: np.ndarray
) -> None:
    """Add to `nearer`, (N,) int64, the number of same-class samples in a tile nearer than the nearest foreign one."""
    height, width = tile.shape
    low, high = bounds.low[column : column + width], bounds.high[column : column + width]
    limit = nearest.limit[column : column + width]
    column_nearer = np.zeros(width, dtype=np.int32)
    for a in range(height):
        i = row + a
        start, stop = max(i + 1 - column, 0), min(int(rows.class_end[i]) - column, width)
        if start >= stop:
            continue
        columns = (low[start:stop], high[start:stop], limit[start:stop], column_nearer[start:stop])
        row_nearer, undecided = _count(tile[a, start:stop], bounds.low[i], bounds.high[i], nearest.limit[i], columns)
        nearer[i] += row_nearer
        if undecided > 0:
            _settle(tile[a, start:stop], i, column + start, bounds, nearest, rows, nearer)
    nearer[column : column + width] += column_nearer


@compiled()
def _settle(
    scores: np.ndarray, i: int, first: int, bounds: Bounds, nearest: Nearest, rows: Rows, nearer: np.ndarray
) -> None:
    """Decide in float64 whether position i and positions from `first` are nearer to each other than their limits."""
    for b in range(scores.size):
        j = first + b
        below = (bounds.low[i] + bounds.low[j]) - scores[b]
        above = (bounds.high[i] + bounds.high[j]) - scores[b]
        open_to_row = below <= nearest.limit[i] and not above < nearest.limit[i]
        open_to_column = below <= nearest.limit[j] and not above < nearest.limit[j]
        if open_to_row or open_to_column:
            distance = distance_between(rows, i, j)
            nearer[i] += open_to_row and distance < nearest.distance[i]
            nearer[j] += open_to_column and distance < nearest.distance[j]


@compiled()
def search_pairs(i: np.ndarray, j: np.ndarray, nearest: Nearest, rows: Rows) -> None:
    """Update `nearest` of positions i with foreign positions j; both (n,) int64."""
    for pair in range(i.size):
        consider_foreign(i[pair], j[pair], nearest, rows)


@compiled()
def count_pairs(i: np.ndarray, j: np.ndarray, nearest: Nearest, rows: Rows, nearer: np.ndarray) -> None:
    """Count in `nearer`, (N,) int64, the same-class positions j nearer to i than its nearest foreign sample."""
    for pair in range(i.size):
        nearer[i[pair]] += distance_between(rows, i[pair], j[pair]) < nearest.distance[i[pair]]
