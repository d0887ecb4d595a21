"""City block and maximum distances of a tile in one kernel: sums stay in registers while the features go by."""

import torch
import triton
import triton.language as tl

SIDE = 64
"""Rows and columns of a block: 32 sums for each of 128 threads."""


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _differences(
    left: torch.Tensor,
    right: torch.Tensor,
    out: torch.Tensor,
    height: int,
    width: int,
    FEATURES: tl.constexpr,
    MAXIMUM: tl.constexpr,
    SIDE: tl.constexpr,
) -> None:
    row = tl.program_id(1) * SIDE + tl.arange(0, SIDE)
    column = tl.program_id(0) * SIDE + tl.arange(0, SIDE)
    found = tl.zeros((SIDE, SIDE), dtype=tl.float32)
    for first in range(0, FEATURES, 8):
        for f in tl.static_range(8):
            x = tl.load(left + (first + f) * height + row)
            y = tl.load(right + (first + f) * width + column)
            difference = tl.abs(x[:, None] - y[None, :])
            if MAXIMUM:
                found = tl.maximum(found, difference)
            else:
                found += difference
    tl.store(out + row[:, None] * width + column[None, :], found)


def tile_of_differences(left: torch.Tensor, right: torch.Tensor, maximum: bool) -> torch.Tensor:
    """Sum or maximum of the absolute differences of rows left (n, d) and right (m, d), (n, m) float32; d in eights."""
    by_feature = _by_feature(left), _by_feature(right)
    height, width = (values.shape[1] for values in by_feature)
    out = torch.empty((height, width), dtype=torch.float32, device=left.device)
    with torch.cuda.device_of(left):  # type: ignore[no-untyped-call]  # Triton launches on the current device
        _differences[width // SIDE, height // SIDE](*by_feature, out, height, width, left.shape[1], maximum, SIDE)
    return out[: len(left), : len(right)]


def _by_feature(values: torch.Tensor) -> torch.Tensor:
    """(n, d) -> (d, n filled up to whole blocks): neighbouring threads read neighbouring numbers, without a mask."""
    return torch.nn.functional.pad(values.T, (0, -len(values) % SIDE)).contiguous()
