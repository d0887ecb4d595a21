"""Tiles of lower bounds of distances, made on a device in low precision.

For every pair of positions, with `low` from a tile,

    low  <=  distance_between(i, j)  <=  low + gap_i + gap_j.

docs/appendix/kstar-exactness.md derives it for any order of summation, and for sums that are truncated.
"""

from typing import Final, NamedTuple

import torch

from workflow_lib.kstar.blocks import BLOCK, STEP
from workflow_lib.kstar.bounds import error_of
from workflow_lib.kstar.device_rows import DeviceRows
from workflow_lib.kstar.metrics import SCORES

KEPT = 4
"""Sides of tiles that are kept."""


class Precision(NamedTuple):
    """How products are computed.

    Attributes:
        dtype: of operands and sums.
        loss: how many units of rounding one addition of a product's sum may lose: 1 rounded, 4 truncated.
        tf32: whether the operands are rounded to the 10 bits of mantissa that tensor cores take.
    """

    dtype: torch.dtype
    loss: int = 1
    tf32: bool = False


TF32: Final = Precision(torch.float32, loss=4, tf32=True)
FLOAT32: Final = Precision(torch.float32)
FLOAT64: Final = Precision(torch.float64)


class Side(NamedTuple):
    """Rows or columns of a tile, filled up to whole blocks.

    Attributes:
        span: the positions.
        values: (n', d') float32 or float64 stand-ins: centred and rounded, filled up with zeros.
        low: (n',) their part of the lower bounds, filled up with infinity.
        of_class: (n',) int64, the position where the class ends, filled up with N.
    """

    span: slice
    values: torch.Tensor
    low: torch.Tensor
    of_class: torch.Tensor


SMALL = 2.0**-100
"""Rounding is measured in proportion to a row's norm, or to this if the norm is smaller."""


def round_to_tf32(values: torch.Tensor) -> torch.Tensor:
    """Float32 values rounded to 10 explicit bits of mantissa, to nearest, ties to even."""
    bits = values.view(torch.int32)
    return (bits + 0xFFF + ((bits >> 13) & 1)).bitwise_and_(-0x2000).view(torch.float32)


class LowerBounds:
    """Lower bounds of all distances, tile by tile.

    Attributes:
        gap: (N,) float64; a distance exceeds its lower bound by at most the sum of two of these.
    """

    def __init__(self, rows: DeviceRows, precision: Precision) -> None:
        self.rows, self.precision, self.scores = rows, precision, SCORES[rows.kind]
        self._sides: dict[tuple[int, int], Side] = {}
        sizes = torch.empty(rows.count, dtype=torch.float64, device=rows.device)
        rounding = torch.zeros((), dtype=torch.float64, device=rows.device)
        for span in rows.parts(rows.count, rows.batch):
            centred = self._centred(rows.positions(span))
            values = self._rounded(centred).double()
            norms = self._norms(values)
            rounding = torch.maximum(rounding, (self._norms(centred - values) / norms.clamp(min=SMALL)).max())
            sizes[span] = 0.5 * self._norms(centred).square() if self.scores.product else norms
        share, floor = self._error(float(rounding))
        slack = share * sizes + floor
        self.gap = 2 * slack
        self.low = ((sizes if self.scores.product else 0) - slack).to(precision.dtype)

    def _centred(self, positions: torch.Tensor) -> torch.Tensor:
        return self.rows.at(positions).sub_(self.rows.mean)

    def _rounded(self, centred: torch.Tensor) -> torch.Tensor:
        values = centred.to(self.precision.dtype)
        return round_to_tf32(values) if self.precision.tf32 else values

    def _norms(self, values: torch.Tensor) -> torch.Tensor:
        norms: torch.Tensor = torch.linalg.vector_norm(values, self.scores.order, dim=1)
        return norms

    def _error(self, rounding: float) -> tuple[float, float]:
        """Error of a distance as a share of each row's size, and a floor for underflow."""
        width = self.rows.width
        if not self.scores.product:
            return error_of(width, self.rows.kind)
        numbers = torch.finfo(self.precision.dtype)
        first = 2 * rounding + self.precision.loss * (width + 8) * numbers.eps + 4 * (width + 8) * 2.0**-53
        return 1.01 * first / (1 - first), 16 * width * (numbers.tiny + rounding * SMALL)

    def side(self, span: slice) -> Side:
        """What tiles need of a range of positions; the last few are kept."""
        key = (span.start, span.stop)
        if key not in self._sides:
            while len(self._sides) >= KEPT:
                del self._sides[next(iter(self._sides))]
            self._sides[key] = self._side(span)
        return self._sides[key]

    def _side(self, span: slice) -> Side:
        fill = -(span.stop - span.start) % BLOCK
        values = self._values(self.rows.positions(span))
        return Side(
            span,
            torch.nn.functional.pad(values, (0, 0, 0, fill)),
            torch.nn.functional.pad(self.low[span], (0, fill), value=torch.inf),
            torch.nn.functional.pad(self.rows.class_end[span], (0, fill), value=self.rows.count),
        )

    def _values(self, positions: torch.Tensor) -> torch.Tensor:
        values = self._rounded(self._centred(positions))
        return torch.nn.functional.pad(values, (0, -self.rows.width % STEP))

    def tile(self, left: Side, right: Side) -> torch.Tensor:
        """Lower bounds of the pairs of two sides, (n, m) of the precision's dtype."""
        return self._tile(left, right)[: left.span.stop - left.span.start, : right.span.stop - right.span.start]

    def _tile(self, left: Side, right: Side) -> torch.Tensor:
        low = left.low[:, None] + right.low
        if self.scores.product:
            return low.addmm_(left.values, right.values.T, alpha=-1)
        if kernels := self.rows.kernels:
            return low.add_(kernels.distances(left.values, right.values, self.scores.order))
        return low.add_(torch.cdist(left.values, right.values, p=self.scores.order))

    def least(self, left: Side, right: Side) -> tuple[torch.Tensor, torch.Tensor]:
        """Least lower bounds of foreign pairs, of each row by block of columns, and of each column by block of rows.

        Returns:
            (blocks of columns, n) and (blocks of rows, m) float32, infinite where there is no foreign pair.
        """
        square, order = left.span == right.span, self.scores.order
        if kernels := self.rows.kernels:
            of_rows, of_columns = kernels.least(*left[1:], *right[1:], order, tf32=self.precision.tf32, square=square)
        else:
            low = self._tile(left, right)
            low.masked_fill_(left.of_class[:, None] == right.of_class, torch.inf)
            of_rows = low.view(len(low), -1, BLOCK).amin(2).T
            of_columns = low.view(-1, BLOCK, low.shape[1]).amin(1)
        return of_rows[:, : left.span.stop - left.span.start], of_columns[:, : right.span.stop - right.span.start]

    def in_blocks(self, positions: torch.Tensor, right: Side, block: torch.Tensor) -> torch.Tensor:
        """Lower bounds of positions (n,) against a block of columns each, block (n,) int64; (n, BLOCK) float32."""
        values, low, order = self._values(positions), self.low[positions], self.scores.order
        if kernels := self.rows.kernels:
            bounds: torch.Tensor = kernels.in_blocks(values, low, right.values, right.low, block, order)
            return bounds
        found = []
        for some in self.rows.parts(len(block), max(self.rows.batch // BLOCK, 1)):
            columns = right.values.view(-1, BLOCK, right.values.shape[1])[block[some]]
            base = low[some, None] + right.low.view(-1, BLOCK)[block[some]]
            if self.scores.product:
                found.append(base - torch.bmm(columns, values[some, :, None]).squeeze(2))
            else:
                found.append(base + torch.cdist(values[some, None], columns, p=order).squeeze(1))
        return torch.cat(found)
