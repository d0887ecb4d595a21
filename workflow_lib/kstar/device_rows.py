"""The rows on a device: float64 values as they are compared, and distances that equal those of the CPU bit for bit."""

import functools
import itertools
import sys
from collections.abc import Sequence
from types import ModuleType

import torch

from workflow_lib.kstar.metrics import SCORES
from workflow_lib.kstar.pairs import CHEBYSHEV, EUCLIDEAN, Rows

BATCH_BYTES = 2**28
"""Float64 rows that are worked on at a time: enough to keep a GPU busy."""
BUFFER_BYTES = 2**23
"""Size of each of the two buffers through which features go to a GPU."""


class DeviceRows:
    """The rows of `pairs.Rows` through torch.

    Features that do not fit stay in host memory, and only the rows asked for are moved.

    Attributes:
        order, scale, class_end: as in `Rows`, on the device.
        mean: (d,) float64, of all rows; only about, because any vector will do for centring.
        kernels: the module `kernels`; None on a CPU and without Triton, which torch brings along on Linux.
    """

    def __init__(self, device: str, rows: Rows, memory: int) -> None:
        """Move the rows to a device. Of `memory`, in bytes, features take at most half, batches of rows an eighth."""
        self.device, self.kind = torch.device(device), rows.kind
        self.kernels = _kernels(self.device) if self.device.type == "cuda" else None
        self.count, self.width = rows.features.shape
        self.order, self.scale, self.class_end = (
            torch.from_numpy(part).to(device) for part in (rows.order, rows.scale, rows.class_end)
        )
        features = torch.from_numpy(rows.features)
        self.features = _moved(features, self.device) if rows.features.nbytes <= memory // 2 else features
        self.batch = max(min(memory // 32, BATCH_BYTES) // (8 * self.width), 1)
        total = torch.zeros(self.width, dtype=torch.float64, device=device)
        for span in self.parts(self.count, self.batch):
            total += self.at(self.positions(span)).sum(0)
        self.mean = total / self.count

    def parts(self, count: int, size: int) -> list[slice]:
        """Ranges of at most `size` that make up 0 … count; at least one."""
        return [slice(first, min(first + size, count)) for first in range(0, max(count, 1), size)]

    def positions(self, span: slice) -> torch.Tensor:
        """The positions of a range, (n,) int64 on the device."""
        return torch.arange(span.start, span.stop, device=self.device)

    def at(self, positions: torch.Tensor) -> torch.Tensor:
        """The rows at positions (n,), (n, d) float64: features times scale, rounded as the CPU rounds them."""
        found = self.order[positions]
        part = self.features[found.to(self.features.device)].to(self.device)
        return part.to(torch.float64).mul_(self.scale[found, None])

    def distances(self, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
        """Distances of positions i and j, (n,) each: those of `pairs.distance_between`, bit for bit; (n,) float64."""
        return torch.cat([self._distances(i[some], j[some]) for some in self.parts(len(i), self.batch)])

    def _distances(self, i: torch.Tensor, j: torch.Tensor) -> torch.Tensor:
        """By one operation after the other: a reduction would add in another order, and fused operations round less."""
        x, y = self.at(i), self.at(j)
        if self.kernels:
            total: torch.Tensor = self.kernels.of_pairs(x, y, SCORES[self.kind].order)
        else:
            total = self._by_feature(x.sub_(y).abs_())
        return total.mul_(0.5) if self.kind == EUCLIDEAN else total

    def _by_feature(self, difference: torch.Tensor) -> torch.Tensor:
        if self.kind == CHEBYSHEV:
            return difference.amax(1)
        if self.kind == EUCLIDEAN:
            difference.mul_(difference)
        total = torch.zeros(len(difference), dtype=torch.float64, device=self.device)
        for feature in difference.T.contiguous():
            total += feature
        return total


def _moved(features: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Features (N, d) on the device.

    CUDA copies ordinary memory through buffers of its own, with one thread. Here all threads fill the buffers.
    """
    if device.type != "cuda":
        return features.to(device)
    size = max(BUFFER_BYTES // (features.shape[1] * features.element_size()), 1)
    shape = (min(size, len(features)), features.shape[1])
    buffers = [torch.empty(shape, dtype=features.dtype, pin_memory=True) for _ in range(2)]
    found = torch.empty_like(features, device=device)
    with torch.cuda.device(device):
        sent = [torch.cuda.Event() for _ in buffers]  # type: ignore[no-untyped-call]
        copy_through(buffers, sent, features, found)
    return found


def copy_through(
    buffers: Sequence[torch.Tensor], sent: Sequence[torch.cuda.Event], source: torch.Tensor, target: torch.Tensor
) -> None:
    """Copy source to target, (N, d) each, through page-locked buffers (n, d): one is filled while another is sent.

    Args:
        buffers: at least one; all of one size.
        sent: an event for each buffer; it has happened when the buffer may be filled again.
        source: in host memory.
        target: on the device.
    """
    size = len(buffers[0])
    turns = itertools.cycle(zip(buffers, sent, strict=True))
    for first, (buffer, event) in zip(range(0, len(source), size), turns, strict=False):
        part = source[first : first + size]
        event.synchronize()
        target[first : first + size].copy_(buffer[: len(part)].copy_(part), non_blocking=True)
        event.record()


@functools.cache
def _kernels(device: torch.device) -> ModuleType | None:
    """The module `kernels` if a first, small kernel runs; without, results are the same."""
    try:
        from workflow_lib.kstar import kernels

        one = torch.ones(1, 1, dtype=torch.float64, device=device)
        kernels.of_pairs(one, one, 2.0)
    except Exception as error:  # of many kinds, for want of Triton or of the C compiler that it needs
        reason = str(error).strip().partition("\n")[0]
        print(f"k* without kernels, so slower: {type(error).__name__}: {reason}", file=sys.stderr)
        return None
    return kernels
