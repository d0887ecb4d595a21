"""Both passes over the upper triangle of pairs, tile by tile, on the CPU; the second also joins pieces.

Each thread works on whole tiles. The scores of a tile are computed without a lock; results are written under the locks
of its row block and its column block. Every decision is exact, so neither the number of threads nor the order of tiles
affects the result.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from itertools import combinations_with_replacement, pairwise
from threading import Lock, local
from typing import NamedTuple

import numpy as np

from workflow_lib.kstar.bounds import stand_in
from workflow_lib.kstar.metrics import score_tile
from workflow_lib.kstar.pairs import Nearest, Rows, count_tile, search_tile
from workflow_lib.kstar.pieces import forest_of_tile, join_all
from workflow_lib.progress import Progress

TILE = 1024
"""Rows per block: a tile of 4 MB stays in the CPU cache until it is used."""


class Swept(NamedTuple):
    """Result of both passes, in the order of positions.

    Attributes:
        nearest: the nearest foreign samples.
        nearer: (N,) int64, number of samples of the same class that are nearer.
        parent: (N,) int64, forest of the pieces (`pieces.numbered`).
    """

    nearest: Nearest
    nearer: np.ndarray
    parent: np.ndarray


def sweep(rows: Rows, starts: np.ndarray, *, threads: int, progress: Progress | None = None, tile: int = TILE) -> Swept:
    """Find the nearest foreign sample of every sample, then count the samples of its class that are nearer.

    Args:
        rows: the rows to compare, from at least two classes.
        starts: (C + 1,) int64, position where each class begins, and N.
        threads: number of tiles computed at the same time; BLAS uses one thread in each.
        progress: called with the number of finished tiles and of all tiles.
        tile: maximum number of rows per block.
    """
    values, bounds = stand_in(rows)
    count = len(rows.order)
    found = unknown(count)
    nearest, nearer, joining = found.nearest, found.nearer, Lock()
    edges = block_edges(starts, tile)
    foreign, same = tiles_of(edges, rows.class_end)
    tiles = Tiles(values, rows.kind, edges, threads, Steps(len(foreign) + len(same), progress))
    tiles.each(foreign, lambda scores, row, column: search_tile(scores, row, column, bounds, nearest, rows))
    close_duplicates(nearest)

    def count_and_join(scores: np.ndarray, row: int, column: int) -> None:
        count_tile(scores, row, column, bounds, nearest, rows, nearer)
        edges = forest_of_tile(scores, row, column, bounds, nearest, rows)
        with joining:
            join_all(found.parent, *edges)

    tiles.each(same, count_and_join)
    return found


def unknown(count: int) -> Swept:
    """What is known of `count` positions before any pair was looked at."""
    limit = np.full(count, np.inf, dtype=np.float32)
    nearest = Nearest(np.full(count, np.inf), np.full(count, count, dtype=np.int64), limit)
    return Swept(nearest, np.zeros(count, dtype=np.int64), np.arange(count))


def close_duplicates(nearest: Nearest) -> None:
    """Set the limit to -inf at distance zero: nothing is nearer than a foreign duplicate, so no pair needs a check."""
    nearest.limit[nearest.distance == 0] = -np.inf


def block_edges(starts: np.ndarray, tile: int) -> list[int]:
    """Edges of blocks of at most `tile` positions: large classes are divided evenly, small classes share a block.

    Blocks do not cross the borders of large classes. So most tiles hold only foreign pairs or only pairs of one class,
    and each pass can skip the tiles of the other kind.
    """
    edges = [0]
    for first, end in pairwise(starts.tolist()):
        if end - edges[-1] > tile and first > edges[-1]:
            edges.append(first)
        pieces = -(-(end - first) // tile)
        if pieces > 1:
            edges += [first + (end - first) * piece // pieces for piece in range(1, pieces + 1)]
    return edges if edges[-1] == starts[-1] else [*edges, int(starts[-1])]


def tiles_of(edges: list[int], class_end: np.ndarray) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Tiles of the upper triangle that hold foreign pairs, and those that hold pairs of one class.

    Each is a (row block, column block), ordered by rows. Only tiles on the diagonal can hold both.
    """
    blocks = list(combinations_with_replacement(range(len(edges) - 1), 2))
    foreign = [(i, j) for i, j in blocks if edges[j + 1] > class_end[edges[i]]]
    same = [(i, j) for i, j in blocks if edges[j] < class_end[edges[i + 1] - 1]]
    return foreign, same


def available_threads() -> int:
    """Number of threads: OMP_NUM_THREADS or, if unset, the cores available to this process."""
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        return int(asked)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Steps:
    """Counts steps of work and reports them."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.total, self.progress, self.done = total, progress, 0

    def advance(self) -> None:
        """One step is done."""
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


class Tiles:
    """Computes tiles in threads and passes each to a function, which has exclusive access to the tile's positions."""

    def __init__(self, values: np.ndarray, kind: int, edges: list[int], threads: int, steps: Steps) -> None:
        self.values, self.kind, self.edges, self.threads, self.steps = values, kind, edges, threads, steps
        self.locks = [Lock() for _ in edges]
        self.own = local()

    def each(self, tiles: list[tuple[int, int]], decide: Callable[[np.ndarray, int, int], None]) -> None:
        """Call decide(scores, first row, first column) for each (row block, column block)."""
        with _one_blas_thread(), ThreadPoolExecutor(self.threads) as pool:
            for _ in pool.map(lambda tile: self._one(tile[0], tile[1], decide), tiles):
                self.steps.advance()

    def _one(self, i: int, j: int, decide: Callable[[np.ndarray, int, int], None]) -> None:
        left = self.values[self.edges[i] : self.edges[i + 1]]
        right = self.values[self.edges[j] : self.edges[j + 1]]
        scores = self._buffer(len(left) * len(right)).reshape(len(left), len(right))
        score_tile(left, right, self.kind, scores)
        with ExitStack() as held:
            for block in sorted({i, j}):
                held.enter_context(self.locks[block])
            decide(scores, self.edges[i], self.edges[j])

    def _buffer(self, size: int) -> np.ndarray:
        """Scratch memory of this thread, reused between tiles: new memory would be cleared page by page each time."""
        if not hasattr(self.own, "buffer") or self.own.buffer.size < size:
            self.own.buffer = np.empty(size, dtype=np.float32)
        buffer: np.ndarray = self.own.buffer
        return buffer[:size]


def _one_blas_thread() -> AbstractContextManager[object]:
    """One BLAS thread for each tile; without threadpoolctl BLAS takes more, which is slower and changes no result."""
    try:
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError:
        return nullcontext()
    limits: AbstractContextManager[object] = threadpool_limits(1, "blas")
    return limits
