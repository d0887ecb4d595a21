"""Pieces of a class: samples i, j of one class are joined if each is nearer to the other than to any foreign sample.

The pieces are the connected components of that graph (docs/science.md 1.9). They have no parameter. Each tile is first
reduced to a forest of its own, which needs no lock; then its few edges are added to the forest of all samples.
"""

import numpy as np

from workflow_lib.kstar.compiled import compiled
from workflow_lib.kstar.pairs import Bounds, Nearest, Rows, distance_between


@compiled()
def _root(parent: np.ndarray, node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node


@compiled()
def _join(parent: np.ndarray, a: int, b: int) -> None:
    a, b = _root(parent, a), _root(parent, b)
    parent[max(a, b)] = min(a, b)


@compiled()
def forest_of_tile(
    tile: np.ndarray, row: int, column: int, bounds: Bounds, nearest: Nearest, rows: Rows
) -> tuple[np.ndarray, np.ndarray]:
    """Join the positions of a tile, of scores as in `pairs.count_tile`; `nearest` is final.

    Returns:
        Pairs of positions, (e,) int64 each, that join what the tile joins; e < height + width.
    """
    height, width = tile.shape
    shift = 0 if row == column else height  # node of column b: shift + b; on the diagonal rows are columns
    parent = np.arange(shift + width)
    limits = nearest.limit[column : column + width]
    low, high = bounds.low[column : column + width], bounds.high[column : column + width]
    for a in range(height):
        i = row + a
        start, stop = max(i + 1 - column, 0), min(int(rows.class_end[i]) - column, width)
        own = _root(parent, a)
        for b in range(start, stop):
            if parent[shift + b] == own:
                continue
            limit = min(nearest.limit[i], limits[b])
            near = (bounds.high[i] + high[b]) - tile[a, b] < limit
            if not near and (bounds.low[i] + low[b]) - tile[a, b] <= limit:
                j = column + b
                near = distance_between(rows, i, j) < min(nearest.distance[i], nearest.distance[j])
            if near:
                _join(parent, a, shift + b)
                own = _root(parent, a)
    joined = np.flatnonzero(parent != np.arange(parent.size))
    roots = parent[joined]
    return _positions(joined, row, column, height), _positions(roots, row, column, height)


@compiled()
def _positions(nodes: np.ndarray, row: int, column: int, height: int) -> np.ndarray:
    """Positions of nodes of a tile: its rows, then its columns."""
    return np.where(nodes < height, row + nodes, column + nodes - height)


@compiled()
def join_all(parent: np.ndarray, i: np.ndarray, j: np.ndarray) -> None:
    """Join the positions i and j, (n,) int64 each, in a forest; `parent` is (N,) int64, at first each its own."""
    for pair in range(i.size):
        _join(parent, i[pair], j[pair])


@compiled()
def _flatten(parent: np.ndarray) -> None:
    for node in range(parent.size):
        parent[node] = _root(parent, node)


def numbered(parent: np.ndarray, order: np.ndarray, class_end: np.ndarray) -> np.ndarray:
    """Number of each sample's piece within its class: 0 is the largest, of equal ones that with the lowest row.

    Args:
        parent: (N,) int64, forest over the positions.
        order: (N,) int64, the caller's row at each position; positions are sorted by class, then by row.
        class_end: (N,) int64, the position where the class of each position ends.

    Returns:
        (N,) int64 in the caller's order.
    """
    _flatten(parent)
    is_root = parent == np.arange(len(parent))
    roots, codes = np.flatnonzero(is_root), np.cumsum(is_root)[parent] - 1
    sizes, of_class = np.bincount(codes, minlength=len(roots)), class_end[roots]
    ranked = np.lexsort((-sizes, of_class))  # of equal ones the first: a root is the lowest row of its piece
    first = np.searchsorted(of_class, of_class)  # where the class begins among the pieces
    number = np.empty(len(roots), np.int64)
    number[ranked] = np.arange(len(roots)) - first
    piece = np.empty(len(order), np.int64)
    piece[order] = number[codes]
    return piece
