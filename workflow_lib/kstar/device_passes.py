"""What both passes of k* do with a tile of lower bounds, on a device; `pairs.py` is the same on the CPU."""

from collections.abc import Callable
from typing import NamedTuple

import torch

from workflow_lib.kstar.components import components
from workflow_lib.kstar.lower_bounds import BLOCK, LowerBounds, Side

OF_ROW, OF_COLUMN, UNDECIDED = 1, 2, 4
OF_BOTH = OF_ROW | OF_COLUMN
"""Bits of `Compared.flags`."""


class Compared(NamedTuple):
    """What a tile says of pairs of one class.

    Attributes:
        of_rows, of_columns: (n,) and (m,) integers, how many are surely nearer than the limit of the row or column.
        flags: (n, m) uint8: OF_ROW if surely nearer than the row's limit, OF_COLUMN than the column's, UNDECIDED if the
            bounds leave either open.
        undecided: () integer, how many are undecided.
    """

    of_rows: torch.Tensor
    of_columns: torch.Tensor
    flags: torch.Tensor
    undecided: torch.Tensor


def compare(
    low: torch.Tensor,
    limits: torch.Tensor,
    column_limits: torch.Tensor,
    row_class: torch.Tensor,
    column_class: torch.Tensor,
    *,
    square: bool,
) -> Compared:
    """Compare the lower bounds of a tile with the limits of its rows and columns.

    Args:
        low: (n, m) lower bounds.
        limits, column_limits: (2, n) and (2, m): at or below the first a pair may be nearer, below the second it
            surely is.
        row_class, column_class: (n,) and (m,) int64.
        square: whether rows and columns are the same; then only pairs right of the diagonal count.
    """
    own = row_class[:, None] == column_class
    low = low.masked_fill(~(own.triu(1) if square else own), torch.inf)
    near, sure = (low <= limits[0, :, None]) & own, low < limits[1, :, None]
    near_column, sure_column = (low <= column_limits[0]) & own, low < column_limits[1]
    undecided = (near ^ sure) | (near_column ^ sure_column)
    flags = OF_ROW * sure.byte() + OF_COLUMN * sure_column.byte() + UNDECIDED * undecided.byte()
    return Compared(sure.sum(1), sure_column.sum(0), flags, undecided.sum())


class Open:
    """Pairs that the bounds leave open; they are decided together once there are many, or at the end."""

    def __init__(self, capacity: int, decide: Callable[..., None]) -> None:
        self.capacity, self.decide_all = capacity, decide
        self.parts: list[tuple[torch.Tensor, ...]] = []
        self.count = 0

    def add(self, *part: torch.Tensor) -> None:
        """Add pairs: positions i and j, and what else the decision takes, (n,) each."""
        self.parts.append(part)
        self.count += len(part[0])
        if self.count > self.capacity:
            self.decide()

    def decide(self) -> None:
        """Decide all pairs added so far."""
        if self.count:
            self.decide_all(*(torch.cat(column) for column in zip(*self.parts, strict=True)))
        self.parts, self.count = [], 0


class Search:
    """First pass: the nearest foreign sample of each position.

    Attributes:
        distance: (N,) float64, to the nearest foreign sample decided so far.
        row: (N,) int64, its row in the features; of equally near ones the lowest.
        ceiling: (N,) float64, an upper bound of the final distance; no pair whose lower bound is above it matters.
    """

    def __init__(self, bounds: LowerBounds, spans: list[slice], capacity: int) -> None:
        """`spans` are all sides of tiles, and `capacity` is how many blocks may wait for their decision."""
        self.bounds, self.rows, self.spans, self.open = bounds, bounds.rows, spans, Open(capacity, self._decide)
        self.distance = torch.full((self.rows.count,), torch.inf, dtype=torch.float64, device=self.rows.device)
        self.ceiling = self.distance.clone()
        self.row = torch.full((self.rows.count,), self.rows.count, device=self.rows.device)

    def tile(self, left: Side, right: Side) -> None:
        """Consider a tile for both samples of each pair."""
        of_rows, of_columns = self.bounds.least(left, right)
        if left.span != right.span:
            self._consider(of_columns, right.span, left.span)
        self._consider(of_rows, left.span, right.span)

    def _consider(self, least: torch.Tensor, rows: slice, columns: slice) -> None:
        gap, ceiling = self.bounds.gap, self.ceiling[rows]
        ceiling = torch.minimum(ceiling, least.amin(0).double() + (gap[rows] + gap[columns].max()))
        self.ceiling[rows] = ceiling
        # Rounding is monotonic: a float32 bound at or below the ceiling is so after the ceiling's rounding, too.
        block, i = torch.nonzero(least <= ceiling.to(least.dtype), as_tuple=True)
        self.open.add(i + rows.start, block * BLOCK + columns.start, least[block, i].double())

    def _decide(self, i: torch.Tensor, first: torch.Tensor, low: torch.Tensor) -> None:
        """Decide pairs of positions i with the blocks that begin at positions `first`."""
        hopeful = low <= self.ceiling[i]
        i, first = i[hopeful], first[hopeful]
        for span in self.spans:
            of_span = torch.nonzero((first >= span.start) & (first < span.stop)).squeeze(1)
            if len(of_span):
                self._decide_in(self.bounds.side(span), i[of_span], first[of_span])

    def _decide_in(self, side: Side, i: torch.Tensor, first: torch.Tensor) -> None:
        start = side.span.start
        for some in self.rows.parts(len(i), self.rows.batch):
            rows, begin = i[some], first[some] - start
            low = self.bounds.in_blocks(rows, side, begin // BLOCK)
            foreign = side.of_class.view(-1, BLOCK)[begin // BLOCK] != self.rows.class_end[rows, None]
            a, b = torch.nonzero((low <= self.ceiling[rows, None].to(low.dtype)) & foreign, as_tuple=True)
            self._decide_pairs(rows[a], start + begin[a] + b)

    def _decide_pairs(self, i: torch.Tensor, j: torch.Tensor) -> None:
        distance = self.rows.distances(i, j)
        before, self.distance = self.distance, self.distance.scatter_reduce(0, i, distance, "amin")
        self.row[self.distance < before] = self.rows.count
        best = distance == self.distance[i]
        self.row.scatter_reduce_(0, i[best], self.rows.order[j[best]], "amin")
        self.ceiling = torch.minimum(self.ceiling, self.distance)


class Count:
    """Second pass: the samples of the same class nearer than the nearest foreign one, and what is joined to a piece.

    Attributes:
        nearer: (N,) int64, number of these samples.
        joined: pairs of positions, (n,) int64 each, that join what the pieces join.
    """

    def __init__(self, bounds: LowerBounds, distance: torch.Tensor, capacity: int) -> None:
        """`distance` is that of the search, and `capacity` is how many pairs may wait for their decision."""
        self.bounds, self.rows, self.distance = bounds, bounds.rows, distance
        self.open = Open(capacity, self._decide)
        self.limit = distance.masked_fill(distance == 0, -torch.inf)  # nothing is nearer than a foreign duplicate
        self.nearer = torch.zeros(self.rows.count, dtype=torch.int64, device=self.rows.device)
        self.joined: list[tuple[torch.Tensor, torch.Tensor]] = []

    def tile(self, left: Side, right: Side) -> None:
        """Consider a tile for both samples of each pair; only tiles on the diagonal have foreign pairs."""
        rows, columns, square = left.span, right.span, left.span == right.span
        low = self.bounds.tile(left, right)
        limits = self._limits(rows, columns, low.dtype), self._limits(columns, rows, low.dtype)
        found = self._compare(low, *limits, self.rows.class_end[rows], self.rows.class_end[columns], square=square)
        self.nearer[rows] += found.of_rows
        self.nearer[columns] += found.of_columns
        i, j = self.rows.positions(rows), self.rows.positions(columns)
        if found.undecided.item():
            a, b = torch.nonzero(found.flags & UNDECIDED, as_tuple=True)
            flags = found.flags[a, b]
            self.open.add(i[a], j[b], (flags & OF_ROW).bool(), (flags & OF_COLUMN).bool())
        label = components((found.flags & OF_BOTH) == OF_BOTH, square=square)
        nodes = i if square else torch.cat([i, j])
        moved = label != torch.arange(len(nodes), device=label.device)
        self.joined.append((nodes[moved], nodes[label[moved]]))

    def _limits(self, rows: slice, columns: slice, dtype: torch.dtype) -> torch.Tensor:
        """(2, n): a pair may be nearer than a row's limit at or below the first, and surely is below the second."""
        limit = self.limit[rows]
        sure = limit - (self.bounds.gap[rows] + self.bounds.gap[columns].max())
        return torch.stack([limit, sure]).to(dtype)

    def _compare(self, *arrays: torch.Tensor, square: bool) -> Compared:
        compare_pairs = self.rows.kernels.compare if self.rows.kernels else compare
        return Compared(*compare_pairs(*arrays, square=square))

    def _decide(self, i: torch.Tensor, j: torch.Tensor, counted_of_i: torch.Tensor, counted_of_j: torch.Tensor) -> None:
        distance = self.rows.distances(i, j)
        of_i, of_j = distance < self.distance[i], distance < self.distance[j]
        self.nearer.index_add_(0, i, (of_i & ~counted_of_i).long())
        self.nearer.index_add_(0, j, (of_j & ~counted_of_j).long())
        self.joined.append((i[of_i & of_j], j[of_i & of_j]))
