"""Kernels for GPUs in Triton: tiles of pairs that stay in registers, and distances in the order of the CPU.

A block is BLOCK rows by BLOCK columns of a tile. `lower_bounds.py`, `device_passes.py` and `device_rows.py` have the
same in torch, which says what each kernel gives.
"""

from typing import Any

import torch
import triton
import triton.language as tl

from workflow_lib.kstar.blocks import BLOCK, OF_COLUMN, OF_ROW, STEP, UNDECIDED

PART = 32
"""Rows of a block that a program compares."""
GROUP = 8
"""Blocks of rows whose programs run side by side, so that they find their columns in the cache."""
PRODUCT, SUM, MAXIMUM = (tl.constexpr(number) for number in range(3))
KINDS = {2.0: 0, 1.0: 1, float("inf"): 2}
"""PRODUCT, SUM or MAXIMUM, by the order of the Minkowski distance."""


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _scores(
    left: torch.Tensor,
    right: torch.Tensor,
    height: int,
    width: int,
    rows: torch.Tensor,
    columns: torch.Tensor,
    FEATURES: tl.constexpr,
    KIND: tl.constexpr,
    PRECISION: tl.constexpr,
    BLOCK: tl.constexpr,
    STEP: tl.constexpr,
) -> Any:
    """Products, or minus distances, of a block; values lie by rows for products, else by features."""
    found = tl.zeros((BLOCK, BLOCK), dtype=tl.float32)
    if KIND == PRODUCT:
        step = tl.arange(0, STEP)
        x = left + rows.to(tl.int64)[:, None] * FEATURES + step[None, :]
        y = right + columns.to(tl.int64)[:, None] * FEATURES + step[None, :]
        for first in range(0, FEATURES, STEP):
            found = tl.dot(tl.load(x + first), tl.trans(tl.load(y + first)), found, input_precision=PRECISION)
    else:
        x, y = left + rows, right + columns
        for _ in range(0, FEATURES, 8):
            for f in tl.static_range(8):
                difference = tl.abs(tl.load(x + f * height)[:, None] - tl.load(y + f * width)[None, :])
                found = found + difference if KIND == SUM else tl.maximum(found, difference)
            x += 8 * height
            y += 8 * width
        found = -found
    return found


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _least(
    left: torch.Tensor,
    right: torch.Tensor,
    left_low: torch.Tensor,
    right_low: torch.Tensor,
    left_class: torch.Tensor,
    right_class: torch.Tensor,
    of_rows: torch.Tensor,
    of_columns: torch.Tensor,
    height: int,
    width: int,
    FEATURES: tl.constexpr,
    KIND: tl.constexpr,
    PRECISION: tl.constexpr,
    SQUARE: tl.constexpr,
    BLOCK: tl.constexpr,
    STEP: tl.constexpr,
    GROUP: tl.constexpr,
) -> None:
    blocks, across = height // BLOCK, width // BLOCK
    group = tl.program_id(0) // (GROUP * across)
    size = min(blocks - group * GROUP, GROUP)
    row_block = group * GROUP + tl.program_id(0) % (GROUP * across) % size
    column_block = tl.program_id(0) % (GROUP * across) // size
    if not SQUARE or column_block >= row_block:
        rows, columns = row_block * BLOCK + tl.arange(0, BLOCK), column_block * BLOCK + tl.arange(0, BLOCK)
        low = tl.full((BLOCK, BLOCK), float("inf"), dtype=tl.float32)
        # Rows and columns are sorted by class: all pairs are of one class if the first row and the last column are.
        first, last = tl.load(left_class + row_block * BLOCK), tl.load(right_class + column_block * BLOCK + BLOCK - 1)
        if first != last:
            found = _scores(left, right, height, width, rows, columns, FEATURES, KIND, PRECISION, BLOCK, STEP)
            bounds = (tl.load(left_low + rows)[:, None] + tl.load(right_low + columns)[None, :]) - found
            foreign = tl.load(left_class + rows)[:, None] != tl.load(right_class + columns)[None, :]
            low = tl.where(foreign, bounds, low)
        tl.store(of_rows + column_block.to(tl.int64) * height + rows, tl.min(low, 1))
        if not SQUARE or row_block != column_block:
            tl.store(of_columns + row_block.to(tl.int64) * width + columns, tl.min(low, 0))


def least(
    left: torch.Tensor,
    left_low: torch.Tensor,
    left_class: torch.Tensor,
    right: torch.Tensor,
    right_low: torch.Tensor,
    right_class: torch.Tensor,
    order: float,
    *,
    tf32: bool,
    square: bool,
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same as `LowerBounds.least`; each side is values, bounds and classes of a `lower_bounds.Side`.

    `order` is that of the Minkowski distance, 2 stands for products. `tf32` says that the values are TF32 numbers, and
    `square` that both sides are the same.
    """
    height, width, kind = len(left), len(right), KINDS[order]
    of_rows = left.new_empty(width // BLOCK, height)
    of_columns = of_rows if square else left.new_empty(height // BLOCK, width)
    values = (left, right) if kind == KINDS[2.0] else (left.T.contiguous(), right.T.contiguous())
    _launch(
        _least,
        (height // BLOCK) * (width // BLOCK),
        (*values, left_low, right_low, left_class, right_class, of_rows, of_columns, height, width),
        (left.shape[1], kind, "tf32" if tf32 else "ieee", square, BLOCK, STEP, GROUP),
        num_warps=4,
        num_stages=3,
    )
    return of_rows, of_columns


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _in_blocks(
    left: torch.Tensor,
    left_low: torch.Tensor,
    right: torch.Tensor,
    right_low: torch.Tensor,
    block: torch.Tensor,
    out: torch.Tensor,
    FEATURES: tl.constexpr,
    KIND: tl.constexpr,
    BLOCK: tl.constexpr,
    STEP: tl.constexpr,
) -> None:
    row, lane, step = tl.program_id(0).to(tl.int64), tl.arange(0, BLOCK), tl.arange(0, STEP)
    columns = tl.load(block + row) * BLOCK + lane
    found = tl.zeros((BLOCK,), dtype=tl.float32)
    for first in range(0, FEATURES, STEP):
        x = tl.load(left + row * FEATURES + first + step)
        y = tl.load(right + columns[:, None] * FEATURES + (first + step)[None, :])
        if KIND == PRODUCT:
            found += tl.sum(x[None, :] * y, 1)
        elif KIND == SUM:
            found -= tl.sum(tl.abs(x[None, :] - y), 1)
        else:
            found = tl.minimum(found, -tl.max(tl.abs(x[None, :] - y), 1))
    tl.store(out + row * BLOCK + lane, (tl.load(left_low + row) + tl.load(right_low + columns)) - found)


def in_blocks(
    left: torch.Tensor,
    left_low: torch.Tensor,
    right: torch.Tensor,
    right_low: torch.Tensor,
    block: torch.Tensor,
    order: float,
) -> torch.Tensor:
    """Lower bounds of rows against one block of columns each, block (n,) int64; (n, BLOCK) float32."""
    out = left.new_empty(len(block), BLOCK)
    arrays = (left, left_low, right, right_low, block, out)
    _launch(_in_blocks, len(block), arrays, (left.shape[1], KINDS[order], BLOCK, STEP))
    return out


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _tile(
    left: torch.Tensor,
    right: torch.Tensor,
    out: torch.Tensor,
    height: int,
    width: int,
    FEATURES: tl.constexpr,
    KIND: tl.constexpr,
    BLOCK: tl.constexpr,
    STEP: tl.constexpr,
) -> None:
    rows = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    columns = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    found = _scores(left, right, height, width, rows, columns, FEATURES, KIND, "ieee", BLOCK, STEP)
    tl.store(out + rows.to(tl.int64)[:, None] * width + columns[None, :], -found)


def distances(left: torch.Tensor, right: torch.Tensor, order: float) -> torch.Tensor:
    """City block or maximum distances of rows (n, d) and (m, d) float32, (n, m) float32; all in blocks."""
    height, width = len(left), len(right)
    out = left.new_empty(height, width)
    arrays = (left.T.contiguous(), right.T.contiguous(), out, height, width)
    _launch(_tile, (width // BLOCK, height // BLOCK), arrays, (left.shape[1], KINDS[order], BLOCK, STEP))
    return out


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _flags_of(
    low: torch.Tensor,
    row: torch.Tensor,
    column: torch.Tensor,
    limits: torch.Tensor,
    class_end: torch.Tensor,
    nearer: torch.Tensor,
    flags: torch.Tensor,
    first_row: int,
    first_column: int,
    height: int,
    width: int,
    stride: int,
    count: int,
    BLOCK: tl.constexpr,
    PART: tl.constexpr,
    OF_ROW: tl.constexpr,
    OF_COLUMN: tl.constexpr,
    UNDECIDED: tl.constexpr,
) -> None:
    block = tl.program_id(0) // (BLOCK // PART)
    lane = tl.program_id(0) % (BLOCK // PART) * PART + tl.arange(0, PART)
    across = tl.arange(0, BLOCK)
    rows, columns = tl.load(row + block) + lane, tl.load(column + block) + across
    in_rows, in_columns = rows < first_row + height, columns < first_column + width
    inside = in_rows[:, None] & in_columns[None, :]
    place = (rows - first_row)[:, None] * stride + (columns - first_column)[None, :]
    bound = tl.load(low + place, mask=inside, other=float("inf"))
    row_class = tl.load(class_end + rows, mask=in_rows, other=-1)
    column_class = tl.load(class_end + columns, mask=in_columns, other=-2)
    own = (row_class[:, None] == column_class[None, :]) & (rows[:, None] < columns[None, :])
    near = own & (bound <= tl.load(limits + rows, mask=in_rows, other=0.0)[:, None])
    sure = own & (bound < tl.load(limits + count + rows, mask=in_rows, other=0.0)[:, None])
    near_column = own & (bound <= tl.load(limits + columns, mask=in_columns, other=0.0)[None, :])
    sure_column = own & (bound < tl.load(limits + count + columns, mask=in_columns, other=0.0)[None, :])
    tl.atomic_add(nearer + rows, tl.sum(sure.to(tl.int32), 1).to(tl.int64), mask=in_rows)
    tl.atomic_add(nearer + columns, tl.sum(sure_column.to(tl.int32), 0).to(tl.int64), mask=in_columns)
    undecided = (near ^ sure) | (near_column ^ sure_column)
    found = OF_ROW * sure.to(tl.int32) + OF_COLUMN * sure_column.to(tl.int32) + UNDECIDED * undecided.to(tl.int32)
    at = flags + block.to(tl.int64) * BLOCK * BLOCK + lane[:, None] * BLOCK + across[None, :]
    tl.store(at, found.to(tl.uint8))


def flags_of(
    low: torch.Tensor,
    first_row: int,
    first_column: int,
    limits: torch.Tensor,
    class_end: torch.Tensor,
    row: torch.Tensor,
    column: torch.Tensor,
    nearer: torch.Tensor,
) -> torch.Tensor:
    """The same as `device_passes._flags_of`."""
    flags = torch.empty(len(row), BLOCK, BLOCK, dtype=torch.uint8, device=low.device)
    arrays = (low, row, column, limits, class_end, nearer, flags)
    numbers = (first_row, first_column, *low.shape, low.stride(0), limits.shape[1])
    sizes = (BLOCK, PART, OF_ROW, OF_COLUMN, UNDECIDED)
    _launch(_flags_of, len(row) * (BLOCK // PART), (*arrays, *numbers), sizes)
    return flags


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _least_neighbours(
    row: torch.Tensor,
    column: torch.Tensor,
    joined: torch.Tensor,
    label: torch.Tensor,
    least: torch.Tensor,
    count: int,
    BLOCK: tl.constexpr,
) -> None:
    block, lane = tl.program_id(0).to(tl.int64), tl.arange(0, BLOCK)
    rows, columns = tl.load(row + block) + lane, tl.load(column + block) + lane
    linked = tl.load(joined + block * BLOCK * BLOCK + lane[:, None] * BLOCK + lane[None, :]) != 0
    of_row = tl.load(label + rows, mask=rows < count, other=0)
    of_column = tl.load(label + columns, mask=columns < count, other=0)
    none = count
    tl.atomic_min(least + rows, tl.min(tl.where(linked, of_column[None, :], none), 1), mask=rows < count)
    tl.atomic_min(least + columns, tl.min(tl.where(linked, of_row[:, None], none), 0), mask=columns < count)


def least_neighbours(
    row: torch.Tensor, column: torch.Tensor, joined: torch.Tensor, label: torch.Tensor
) -> torch.Tensor:
    """The same as `components._least_neighbours`."""
    label = label.int()
    least = torch.full_like(label, len(label))
    arrays = (row, column, joined.view(torch.uint8), label, least, len(label))
    _launch(_least_neighbours, len(row), arrays, (BLOCK,), num_warps=8)
    return least.long()


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _of_pairs(
    x: torch.Tensor,
    y: torch.Tensor,
    out: torch.Tensor,
    count: int,
    FEATURES: tl.constexpr,
    KIND: tl.constexpr,
    BLOCK: tl.constexpr,
) -> None:
    pair = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    inside = pair < count
    total = tl.zeros((BLOCK,), dtype=tl.float64)
    for f in range(FEATURES):
        difference = tl.abs(
            tl.load(x + pair * FEATURES + f, mask=inside, other=0.0)
            - tl.load(y + pair * FEATURES + f, mask=inside, other=0.0)
        )
        if KIND == PRODUCT:
            total += difference * difference
        elif KIND == SUM:
            total += difference
        else:
            total = tl.maximum(total, difference)
    tl.store(out + pair, total, mask=inside)


def of_pairs(x: torch.Tensor, y: torch.Tensor, order: float) -> torch.Tensor:
    """Sums of squares, sums or maxima of the differences of rows x and y, (n, d) float64 each; (n,) float64.

    Features are added one after the other, and no product is fused with a sum: as `pairs.distance_between`.
    """
    out = x.new_empty(len(x))
    sizes = (x.shape[1], KINDS[order], 64)
    _launch(_of_pairs, -(-len(x) // 64), (x, y, out, len(x)), sizes, num_warps=2, enable_fp_fusion=False)
    return out


def _launch(
    kernel: Any, grid: int | tuple[int, ...], arrays: tuple[Any, ...], sizes: tuple[Any, ...], **how: Any
) -> None:
    """Run a kernel on the device of its first array; Triton itself takes the current device."""
    with torch.cuda.device_of(arrays[0]):  # type: ignore[no-untyped-call]
        kernel[grid if isinstance(grid, tuple) else (grid,)](*arrays, *sizes, **how)
