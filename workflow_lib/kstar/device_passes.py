"""What both passes of k* do with a tile of lower bounds, on a device; `pairs.py` is the same on the CPU."""

from collections.abc import Callable

import torch

from workflow_lib.kstar.components import components
from workflow_lib.kstar.device_rows import DeviceRows
from workflow_lib.kstar.lower_bounds import LowerBounds


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

    def __init__(self, rows: DeviceRows, capacity: int) -> None:
        self.rows, self.open = rows, Open(capacity, self._decide)
        self.distance = torch.full((rows.count,), torch.inf, dtype=torch.float64, device=rows.device)
        self.ceiling = self.distance.clone()
        self.row = torch.full((rows.count,), rows.count, device=rows.device)

    def tile(self, bounds: LowerBounds, low: torch.Tensor, rows: slice, columns: slice) -> None:
        """Consider a tile for both samples of each pair; only tiles on the diagonal have pairs of one class."""
        if rows == columns:
            low.masked_fill_(self.rows.class_end[rows, None] == self.rows.class_end[columns], torch.inf)
        else:
            self._consider(low.T, columns, rows, bounds.gap)
        self._consider(low, rows, columns, bounds.gap)

    def _consider(self, low: torch.Tensor, rows: slice, columns: slice, gap: torch.Tensor) -> None:
        least = low.amin(1).double()
        self.ceiling[rows] = torch.minimum(self.ceiling[rows], least + (gap[rows] + gap[columns].max()))
        ceiling = self.ceiling[rows]
        hopeful = torch.nonzero(least <= ceiling).squeeze(1)
        part = low[hopeful]
        # Rounding is monotonic: a float32 bound at or below the ceiling is so after the ceiling's rounding, too.
        a, b = torch.nonzero(part <= ceiling[hopeful, None].to(part.dtype), as_tuple=True)
        self.open.add(hopeful[a] + rows.start, b + columns.start, part[a, b].double())

    def _decide(self, i: torch.Tensor, j: torch.Tensor, low: torch.Tensor) -> None:
        near = low <= self.ceiling[i]
        i, j = i[near], j[near]
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

    def __init__(self, rows: DeviceRows, distance: torch.Tensor, capacity: int) -> None:
        self.rows, self.distance, self.open = rows, distance, Open(capacity, self._decide)
        self.limit = distance.masked_fill(distance == 0, -torch.inf)  # nothing is nearer than a foreign duplicate
        self.nearer = torch.zeros(rows.count, dtype=torch.int64, device=rows.device)
        self.joined: list[tuple[torch.Tensor, torch.Tensor]] = []

    def tile(self, bounds: LowerBounds, low: torch.Tensor, rows: slice, columns: slice) -> None:
        """Consider a tile for both samples of each pair; only tiles on the diagonal have foreign pairs."""
        i, j = self.rows.positions(rows), self.rows.positions(columns)
        if rows == columns:
            own = (i[:, None] < j) & (self.rows.class_end[rows, None] == self.rows.class_end[columns])
            low.masked_fill_(~own, torch.inf)
        of_rows, surely_of_rows = self._near(low, rows, columns, bounds.gap)
        of_columns, surely_of_columns = (near.T for near in self._near(low.T, columns, rows, bounds.gap))
        self.nearer[rows] += surely_of_rows.sum(1)
        self.nearer[columns] += surely_of_columns.sum(0)
        a, b = torch.nonzero((of_rows ^ surely_of_rows) | (of_columns ^ surely_of_columns), as_tuple=True)
        self.open.add(i[a], j[b], surely_of_rows[a, b], surely_of_columns[a, b])
        label = components(surely_of_rows & surely_of_columns, square=rows == columns)
        nodes = i if rows == columns else torch.cat([i, j])
        moved = label != torch.arange(len(nodes), device=label.device)
        self.joined.append((nodes[moved], nodes[label[moved]]))

    def _near(
        self, low: torch.Tensor, rows: slice, columns: slice, gap: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Whether each pair may be, and whether it surely is, nearer than the limit of its row; (n, m) bool each."""
        limit = self.limit[rows, None]
        sure = limit - (gap[rows, None] + gap[columns].max())
        return low <= limit.to(low.dtype), low < sure.to(low.dtype)

    def _decide(self, i: torch.Tensor, j: torch.Tensor, counted_of_i: torch.Tensor, counted_of_j: torch.Tensor) -> None:
        distance = self.rows.distances(i, j)
        of_i, of_j = distance < self.distance[i], distance < self.distance[j]
        self.nearer.index_add_(0, i, (of_i & ~counted_of_i).long())
        self.nearer.index_add_(0, j, (of_j & ~counted_of_j).long())
        self.joined.append((i[of_i & of_j], j[of_i & of_j]))
