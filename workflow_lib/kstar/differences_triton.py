"""City block and maximum distances of a tile in one kernel: sums stay in registers while the features go by."""

import torch
import triton
import triton.language as tl

SIDE = 64
"""Rows and columns of a block: 32 sums for each of 128 threads."""


@triton.jit
def _differences(left, right, out, height, width, features, MAXIMUM: tl.constexpr, SIDE: tl.constexpr):  # type: ignore[no-untyped-def]
    row = tl.program_id(1) * SIDE + tl.arange(0, SIDE)
    column = tl.program_id(0) * SIDE + tl.arange(0, SIDE)
    found = tl.zeros((SIDE, SIDE), dtype=tl.float32)
    for first in range(0, features, 8):
        for f in tl.static_range(8):
            x = tl.load(left + (first + f) * height + row, mask=row < height, other=0.0)
            y = tl.load(right + (first + f) * width + column, mask=column < width, other=0.0)
            difference = tl.abs(x[:, None] - y[None, :])
            if MAXIMUM:
                found = tl.maximum(found, difference)
            else:
                found += difference
    inside = (row[:, None] < height) & (column[None, :] < width)
    tl.store(out + row[:, None] * width + column[None, :], found, mask=inside)


def tile_of_differences(left: torch.Tensor, right: torch.Tensor, maximum: bool) -> torch.Tensor:
    """Sum, or maximum, of the absolute differences of rows left (n, d) and right (m, d), (n, m) float32; d in eights."""
    height, width = len(left), len(right)
    out = torch.empty((height, width), dtype=torch.float32, device=left.device)
    grid = (triton.cdiv(width, SIDE), triton.cdiv(height, SIDE))
    by_feature = left.T.contiguous(), right.T.contiguous()  # neighbouring threads read neighbouring numbers
    _differences[grid](*by_feature, out, height, width, left.shape[1], maximum, SIDE)
    return out
