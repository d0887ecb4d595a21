"""City block and maximum distances of a tile through torch; where there is Triton, without an array of differences."""

import functools
from collections.abc import Callable

import torch

Kernel = Callable[[torch.Tensor, torch.Tensor, bool], torch.Tensor]


def minkowski(left: torch.Tensor, right: torch.Tensor, order: float) -> torch.Tensor:
    """Distances of order 1 or infinity of rows left (n, d) and right (m, d), (n, m) float32; d in `bounds.LANES`."""
    kernel = _kernel() if left.is_cuda else None
    if kernel is None:
        return torch.cdist(left, right, p=order)
    return kernel(left, right, order != 1)


@functools.cache
def _kernel() -> Kernel | None:
    """The kernel for a GPU; None without Triton, which torch brings along on Linux."""
    try:
        from workflow_lib.kstar.differences_triton import tile_of_differences
    except ImportError:
        return None
    return tile_of_differences
