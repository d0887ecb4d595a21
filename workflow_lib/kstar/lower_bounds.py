"""Tiles of lower bounds of distances, made on a device in low precision.

For every pair of positions, with `low` from a tile,

    low  <=  distance_between(i, j)  <=  low + gap_i + gap_j.

docs/appendix/kstar-exactness.md derives it for any order of summation, and for sums that are truncated.
"""

from typing import Final, NamedTuple

import torch

from workflow_lib.kstar.bounds import LANES, error_of
from workflow_lib.kstar.device_rows import DeviceRows
from workflow_lib.kstar.differences import minkowski
from workflow_lib.kstar.metrics import SCORES


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


class Block(NamedTuple):
    """Rows of a tile, filled up to a multiple of `LANES`, as fast products of matrices want it.

    Attributes:
        span: the positions.
        values: (n', d') stand-ins: centred and rounded, filled up with zeros.
        low: (n',) the row's part of the lower bounds, filled up with infinity.
    """

    span: slice
    values: torch.Tensor
    low: torch.Tensor


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
        sizes = torch.empty(rows.count, dtype=torch.float64, device=rows.device)
        rounding = torch.zeros((), dtype=torch.float64, device=rows.device)
        for span in rows.spans(rows.batch):
            centred = self._centred(span)
            values = self._rounded(centred).double()
            norms = self._norms(values)
            rounding = torch.maximum(rounding, (self._norms(centred - values) / norms.clamp(min=SMALL)).max())
            sizes[span] = 0.5 * self._norms(centred).square() if self.scores.product else norms
        share, floor = self._error(float(rounding))
        slack = share * sizes + floor
        self.gap = 2 * slack
        self.low = ((sizes if self.scores.product else 0) - slack).to(precision.dtype)

    def _centred(self, span: slice) -> torch.Tensor:
        return self.rows.at(self.rows.positions(span)).sub_(self.rows.mean)

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

    def block(self, span: slice) -> Block:
        """What tiles need of a range of positions."""
        fill = -(span.stop - span.start) % LANES
        values = self._rounded(self._centred(span))
        return Block(
            span,
            torch.nn.functional.pad(values, (0, -self.rows.width % LANES, 0, fill)),
            torch.nn.functional.pad(self.low[span], (0, fill), value=torch.inf),
        )

    def tile(self, left: Block, right: Block) -> torch.Tensor:
        """Lower bounds of the pairs of two blocks, (n, m) of the precision's dtype."""
        low = left.low[:, None] + right.low
        if self.scores.product:
            low.addmm_(left.values, right.values.T, alpha=-1)
        else:
            low.add_(minkowski(left.values, right.values, self.scores.order))
        return low[: left.span.stop - left.span.start, : right.span.stop - right.span.start]
