"""What both passes of k* do with a tile of lower bounds, on a device; `pairs.py` is the same on the CPU."""

from collections.abc import Callable

import torch

from workflow_lib.kstar.blocks import BLOCK, OF_BOTH, OF_COLUMN, OF_ROW, UNDECIDED
from workflow_lib.kstar.components import components
from workflow_lib.kstar.lower_bounds import LowerBounds, Side


class Open:
    """What the bounds leave open, pairs or blocks of them; decided together once there are many, or at the end."""

    def __init__(self, capacity: int, decide: Callable[..., None]) -> None:
        self.capacity, self.decide_all = capacity, decide
        self.parts: list[tuple[torch.Tensor, ...]] = []
        self.count = 0

    def add(self, *part: torch.Tensor) -> None:
        """Add what the decision takes, (n, …) each."""
        self.parts.append(part)
        self.count += len(part[0])
        if self.count > self.capacity:
            self.decide()

    def decide(self) -> None:
        """Decide all that was added so far."""
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
        """`distance` is that of the search, and `capacity` is how many blocks may wait for their decision."""
        self.bounds, self.rows, self.distance = bounds, bounds.rows, distance
        self.open = Open(capacity, self._decide)
        class_end, gap = self.rows.class_end, bounds.gap
        largest = torch.zeros(self.rows.count + 1, dtype=gap.dtype, device=gap.device)
        largest = largest.scatter_reduce_(0, class_end, gap, "amax")[class_end]
        limit = distance.masked_fill(distance == 0, -torch.inf)  # nothing is nearer than a foreign duplicate
        # At or below the first a pair may be nearer than the limit of its row or column, below the second it surely is.
        self.limits = torch.stack([limit, limit - (gap + largest)]).to(bounds.precision.dtype)
        self.nearer = torch.zeros(self.rows.count, dtype=torch.int64, device=self.rows.device)
        self.joined: list[tuple[torch.Tensor, torch.Tensor]] = []

    def tile(self, left: Side, right: Side) -> None:
        """Consider a tile for both samples of each pair."""
        low, class_end = self.bounds.tile(left, right), self.rows.class_end
        row, column = self._with_own_pairs(left.span, right.span)
        flags_of = self.rows.kernels.flags_of if self.rows.kernels else _flags_of
        flags = flags_of(low, left.span.start, right.span.start, self.limits, class_end, row, column, self.nearer)
        self.open.add(row, column, flags)

    def _with_own_pairs(self, rows: slice, columns: slice) -> tuple[torch.Tensor, torch.Tensor]:
        """First positions of the blocks of a tile that hold pairs of one class right of the diagonal."""
        row, column = (torch.arange(span.start, span.stop, BLOCK, device=self.rows.device) for span in (rows, columns))
        last = self.rows.class_end[(row + BLOCK).clamp(max=rows.stop) - 1]
        held = (column < last[:, None]) & (column >= row[:, None])
        a, b = torch.nonzero(held, as_tuple=True)
        return row[a], column[b]

    def _decide(self, row: torch.Tensor, column: torch.Tensor, flags: torch.Tensor) -> None:
        block, a, b = torch.nonzero(flags & UNDECIDED, as_tuple=True)
        self._decide_pairs(row[block] + a, column[block] + b, flags[block, a, b])
        label = components(row, column, flags & OF_BOTH == OF_BOTH, self.rows.count, self.rows.kernels)
        moved = torch.nonzero(label != self.rows.positions(slice(0, self.rows.count))).squeeze(1)
        self.joined.append((moved, label[moved]))

    def _decide_pairs(self, i: torch.Tensor, j: torch.Tensor, flags: torch.Tensor) -> None:
        distance = self.rows.distances(i, j)
        of_i, of_j = distance < self.distance[i], distance < self.distance[j]
        self.nearer.index_add_(0, i, (of_i & (flags & OF_ROW == 0)).long())
        self.nearer.index_add_(0, j, (of_j & (flags & OF_COLUMN == 0)).long())
        self.joined.append((i[of_i & of_j], j[of_i & of_j]))


def _flags_of(
    low: torch.Tensor,
    first_row: int,
    first_column: int,
    limits: torch.Tensor,
    class_end: torch.Tensor,
    row: torch.Tensor,
    column: torch.Tensor,
    nearer: torch.Tensor,
) -> torch.Tensor:
    """Compare the lower bounds of a tile with the limits, and add to `nearer` what is sure.

    Args:
        low: (n, m) lower bounds.
        first_row: position of the first row.
        first_column: position of the first column.
        limits: (2, N) as in `Count`.
        class_end: (N,) int64.
        row: (B,) int64, position of each block's first row.
        column: (B,) int64, position of its first column.
        nearer: (N,) int64.

    Returns:
        (B, BLOCK, BLOCK) uint8, flags of the pairs of each block.
    """
    i, j = (slice(first, first + size) for first, size in zip((first_row, first_column), low.shape, strict=True))
    positions = torch.arange(len(nearer), device=low.device)
    own = (class_end[i, None] == class_end[j]) & (positions[i, None] < positions[j])
    near, near_column = (own & (low <= limit) for limit in (limits[0, i, None], limits[0, j]))
    sure, sure_column = (own & (low < limit) for limit in (limits[1, i, None], limits[1, j]))
    nearer[i] += sure.sum(1)
    nearer[j] += sure_column.sum(0)
    undecided = (near ^ sure) | (near_column ^ sure_column)
    flags = OF_ROW * sure.byte() + OF_COLUMN * sure_column.byte() + UNDECIDED * undecided.byte()
    filled = torch.nn.functional.pad(flags, (0, -low.shape[1] % BLOCK, 0, -low.shape[0] % BLOCK))
    blocks = filled.view(-1, BLOCK, filled.shape[1] // BLOCK, BLOCK).transpose(1, 2)
    return blocks[(row - first_row) // BLOCK, (column - first_column) // BLOCK]
