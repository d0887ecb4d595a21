"""The nearest neighbours of samples, exact, with the bounds and tiles of k*."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from workflow_lib.kstar.bounds import stand_in
from workflow_lib.kstar.compiled import compiled
from workflow_lib.kstar.inputs import Samples
from workflow_lib.kstar.metrics import METRICS
from workflow_lib.kstar.pairs import EUCLIDEAN, Bounds, Rows, distance_between
from workflow_lib.kstar.rows import rows_of
from workflow_lib.kstar.sweep import TILE, Steps, Tiles, available_threads

ROOM = 64
"""Candidates that a sample keeps besides its neighbours, until their distances are computed."""
STRIP = 64
"""Pairs of a row of a tile that are looked at together."""


class Lists(NamedTuple):
    """Candidates for the nearest samples of the first A positions: all that may be among the k nearest seen so far.

    Attributes:
        member: (A, k + ROOM) int64, their positions.
        low: (A, k + ROOM) float32, lower bounds of their distances.
        size: (A,) int64, number of candidates.
        high: (A, k) float32, the k lowest upper bounds, ascending.
        limit: (A,) float32, the last of them: what is farther is no neighbour. Minus infinity if nothing is nearer.
    """

    member: np.ndarray
    low: np.ndarray
    size: np.ndarray
    high: np.ndarray
    limit: np.ndarray


def nearest(features: np.ndarray, asked: npt.NDArray[np.int64], k: int, metric: str) -> npt.NDArray[np.int64]:
    """Rows (len(asked), k) of the k nearest samples of each sample asked, nearest first; k <= n - 1.

    A sample is not its own neighbour, its duplicates are. Float64 distances decide; of equal ones the lower row comes
    first, and of more than k duplicates any k are given.

    Args:
        features: (n, d) float32 or float64, finite; no row of zeros for cosine.
        asked: rows whose neighbours are wanted, each once.
        k: number of neighbours.
        metric: one of `names.METRICS`.
    """
    matrix = np.require(features, requirements=["C", "W"])
    others = np.ones(len(matrix), dtype=bool)
    others[asked] = False
    order = np.concatenate([asked, np.flatnonzero(others)])
    magnitude = np.abs(matrix).max(axis=1 if METRICS[metric].of_directions else None)
    starts = np.array([0, len(matrix)])
    rows = rows_of(Samples(matrix, order, starts, np.asarray(magnitude, dtype=np.float64)), metric)
    values, bounds = stand_in(rows)
    lists = _empty(len(asked), k)
    edges = [*range(0, len(matrix), TILE), len(matrix)]
    wanted = [(i, j) for j in range(len(edges) - 1) for i in range(j + 1) if edges[i] < len(asked)]
    tiles = Tiles(values, rows.kind, edges, available_threads(), Steps(len(wanted), None))
    tiles.each(wanted, lambda scores, row, column: _list_tile(scores, row, column, bounds, lists, rows))
    _settle_all(lists, rows)
    found: npt.NDArray[np.int64] = order[lists.member[:, :k]]
    return found


def _empty(count: int, k: int) -> Lists:
    """Lists of `count` positions before any pair was looked at."""
    endless = np.full((count, k), np.inf, dtype=np.float32)
    member, low = np.zeros((count, k + ROOM), dtype=np.int64), np.zeros((count, k + ROOM), dtype=np.float32)
    return Lists(member, low, np.zeros(count, dtype=np.int64), endless, endless[:, 0].copy())


@compiled()
def _near(scores: np.ndarray, row_low: float, row_limit: float, low: np.ndarray, limit: np.ndarray) -> int:
    """Number of pairs of a row that may be within the limit of the row or of their column."""
    found = np.int32(0)
    for b in range(scores.size):
        found += np.int32((row_low + low[b]) - scores[b] <= max(row_limit, limit[b]))
    return int(found)


@compiled()
def _list_tile(tile: np.ndarray, row: int, column: int, bounds: Bounds, lists: Lists, rows: Rows) -> None:
    """Update the lists with the pairs of a tile of the upper triangle, for both samples of each pair."""
    height, width = tile.shape
    count = lists.limit.size
    low, high = bounds.low[column : column + width], bounds.high[column : column + width]
    limit = np.full(width, -np.inf, dtype=np.float32)  # of the columns; those not asked have none
    asked = max(min(column + width, count) - column, 0)
    limit[:asked] = lists.limit[column : column + asked]
    for a in range(min(height, count - row)):
        i = row + a
        for start in range(max(i + 1 - column, 0), width, STRIP):
            stop = min(start + STRIP, width)
            strip = tile[a, start:stop]
            if not _near(strip, bounds.low[i], lists.limit[i], low[start:stop], limit[start:stop]):
                continue
            for b in range(start, stop):
                below, above = (bounds.low[i] + low[b]) - tile[a, b], (bounds.high[i] + high[b]) - tile[a, b]
                if below <= lists.limit[i]:
                    _consider(i, column + b, below, above, lists, rows)
                if below <= limit[b]:
                    _consider(column + b, i, below, above, lists, rows)
                    limit[b] = lists.limit[column + b]


@compiled()
def _consider(i: int, j: int, below: float, above: float, lists: Lists, rows: Rows) -> None:
    """Make position j a candidate of position i; its distance lies between the two bounds."""
    if lists.size[i] == lists.low.shape[1]:
        _settle(i, lists, rows)
    size, high = lists.size[i], lists.high[i]
    lists.member[i, size], lists.low[i, size] = j, below
    lists.size[i] = size + 1
    place = high.size - 1
    if above < high[place]:
        while place > 0 and above < high[place - 1]:
            high[place] = high[place - 1]
            place -= 1
        high[place] = above
        lists.limit[i] = high[-1]


@compiled("reassoc", "contract", "nsz")
def _distance(rows: Rows, i: int, j: int) -> float:
    """Float64 distance of positions i and j, its features in the order that is fastest to add."""
    if rows.kind != EUCLIDEAN:
        return distance_between(rows, i, j)
    x, y = rows.features[rows.order[i]], rows.features[rows.order[j]]
    p, q = rows.scale[rows.order[i]], rows.scale[rows.order[j]]
    total = 0.0
    for f in range(x.size):
        difference = x[f] * p - y[f] * q
        total += difference * difference
    return 0.5 * total


@compiled()
def _settle(i: int, lists: Lists, rows: Rows) -> None:
    """Keep the k nearest candidates of position i, nearest first, by their float64 distances."""
    k = lists.high.shape[1]
    distances, members = np.full(k, np.inf), np.zeros(k, dtype=np.int64)
    for candidate in range(lists.size[i]):
        if lists.low[i, candidate] > lists.limit[i]:
            continue
        j = lists.member[i, candidate]
        distance, place = _distance(rows, i, j), k
        while place > 0 and (
            distance < distances[place - 1]
            or (distance == distances[place - 1] and rows.order[j] < rows.order[members[place - 1]])
        ):
            place -= 1
        if place < k:
            distances[place + 1 :] = distances[place:-1].copy()
            members[place + 1 :] = members[place:-1].copy()
            distances[place], members[place] = distance, j
    lists.member[i, :k], lists.low[i, :k], lists.high[i] = members, -np.inf, distances
    lists.size[i], lists.limit[i] = k, distances[-1] if distances[-1] > 0 else -np.inf


@compiled()
def _settle_all(lists: Lists, rows: Rows) -> None:
    for i in range(lists.limit.size):
        _settle(i, lists, rows)
