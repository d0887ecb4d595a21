"""Kernels for GPUs in Triton: the convolutions of many networks, each with the max pooling and ReLU after it.

A convolution is a product of a matrix of inputs, one row for each position, by the weights. The rows are gathered from
the maps as they are multiplied, so nothing but maps is ever in memory. A pooled output keeps only which position of its
window was the largest; the gradient goes there alone. Every sum has one fixed order, whatever else is computed.

Maps are (runs, images, y, x, channels), weights (runs, outputs, y, x, channels), biases (runs, outputs). `chosen` has
the shape of the pooled outputs, uint8: the place of the largest in its window, row by row; WINDOW * WINDOW if ReLU made
it zero.
"""

from typing import Any, NamedTuple

import torch
import triton
import triton.language as tl
from torch import Tensor

POSITIONS = 64
"""Positions that a program computes at a time."""

MOST_OUTPUTS = 64
"""Outputs that a program computes at a time."""

MOST_INPUTS = 64
"""Numbers of a row of inputs that are multiplied at a time."""

PROGRAMS = 1000
"""Programs that occupy a GPU; the gradient of the weights is summed in as many parts as give so many."""


class Shape(NamedTuple):
    """Sizes of a convolution with what follows it, for one run; pairs are (y, x)."""

    images: int
    size: tuple[int, int]
    channels: int
    outputs: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    before: tuple[int, int]
    dilation: tuple[int, int]
    window: int
    relu: bool
    pooled: tuple[int, int]

    @property
    def inputs(self) -> int:
        """Numbers in a row of inputs."""
        return self.kernel[0] * self.kernel[1] * self.channels

    @property
    def constants(self) -> dict[str, Any]:
        """The sizes by the names that the kernels give them."""
        names = ("Y", "X", "C", "N", "KY", "KX", "SY", "SX", "BEFORE_Y", "BEFORE_X", "DY", "DX", "WINDOW", "OY", "OX")
        values = (
            *self.size,
            self.channels,
            self.outputs,
            *self.kernel,
            *self.stride,
            *self.before,
            *self.dilation,
            self.window,
            *self.pooled,
        )
        return dict(zip(names, values, strict=True))


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _inputs(
    maps: torch.Tensor,
    image: torch.Tensor,
    y: torch.Tensor,
    x: torch.Tensor,
    valid: torch.Tensor,
    first: int,
    Y: tl.constexpr,
    X: tl.constexpr,
    C: tl.constexpr,
    KY: tl.constexpr,
    KX: tl.constexpr,
    DY: tl.constexpr,
    DX: tl.constexpr,
    INPUTS: tl.constexpr,
) -> Any:
    """Numbers first … first + INPUTS of the rows of inputs whose kernel begins at (y, x) of the maps of `image`."""
    if C % INPUTS == 0:  # all of one place of the kernel, and side by side
        place = first // C
        channel = first % C + tl.arange(0, INPUTS)
        ky, kx = place // KX, place % KX
        rows, columns = y + ky * DY, x + kx * DX
        inside = valid & (rows >= 0) & (rows < Y) & (columns >= 0) & (columns < X)
        offsets = ((image * Y + rows) * X + columns) * C
        found = tl.load(maps + offsets[:, None] + channel[None, :], mask=inside[:, None], other=0.0)
    else:
        number = first + tl.arange(0, INPUTS)
        place, channel = number // C, number % C
        rows = y[:, None] + (place // KX * DY)[None, :]
        columns = x[:, None] + (place % KX * DX)[None, :]
        inside = valid[:, None] & (rows >= 0) & (rows < Y) & (columns >= 0) & (columns < X)
        inside = inside & (number < KY * KX * C)[None, :]
        offsets = ((image[:, None] * Y + rows) * X + columns) * C + channel[None, :]
        found = tl.load(maps + offsets, mask=inside, other=0.0)
    return found


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _forward(
    maps: torch.Tensor,
    weights: torch.Tensor,
    biases: torch.Tensor,
    outputs: torch.Tensor,
    chosen: torch.Tensor,
    images: int,
    BIASED: tl.constexpr,
    RELU: tl.constexpr,
    PRECISION: tl.constexpr,
    POSITIONS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    INPUTS: tl.constexpr,
    Y: tl.constexpr,
    X: tl.constexpr,
    C: tl.constexpr,
    N: tl.constexpr,
    KY: tl.constexpr,
    KX: tl.constexpr,
    SY: tl.constexpr,
    SX: tl.constexpr,
    BEFORE_Y: tl.constexpr,
    BEFORE_X: tl.constexpr,
    DY: tl.constexpr,
    DX: tl.constexpr,
    WINDOW: tl.constexpr,
    OY: tl.constexpr,
    OX: tl.constexpr,
) -> None:
    run = tl.program_id(1).to(tl.int64)
    position = tl.program_id(0) * POSITIONS + tl.arange(0, POSITIONS)
    n = tl.program_id(2) * OUTPUTS + tl.arange(0, OUTPUTS)
    valid = position < images * OY * OX
    image, oy, ox = position // (OY * OX), position // OX % OY, position % OX
    maps += run * images * Y * X * C
    weights += run * N * KY * KX * C
    best = tl.full((POSITIONS, OUTPUTS), float("-inf"), tl.float32)
    place = tl.zeros((POSITIONS, OUTPUTS), tl.int32)
    for step in tl.static_range(WINDOW * WINDOW):
        y = (oy * WINDOW + step // WINDOW) * SY - BEFORE_Y
        x = (ox * WINDOW + step % WINDOW) * SX - BEFORE_X
        found = tl.zeros((POSITIONS, OUTPUTS), tl.float32)
        for first in range(0, KY * KX * C, INPUTS):
            row = _inputs(maps, image, y, x, valid, first, Y, X, C, KY, KX, DY, DX, INPUTS)
            number = first + tl.arange(0, INPUTS)
            use = (number < KY * KX * C)[:, None] & (n < N)[None, :]
            weight = tl.load(weights + n[None, :] * (KY * KX * C) + number[:, None], mask=use, other=0.0)
            found = tl.dot(row, weight, found, input_precision=PRECISION)
        larger = (found > best) | (found != found)  # NaN wins, as in torch
        best = tl.where(larger, found, best)
        place = tl.where(larger, step, place)
    if BIASED:
        best += tl.load(biases + run * N + n, mask=n < N, other=0.0).to(tl.float32)[None, :]
    if RELU:
        place = tl.where(best <= 0, WINDOW * WINDOW, place)
        best = tl.where(best <= 0, 0.0, best)
    to = run * images * OY * OX * N + position[:, None] * N + n[None, :]
    use = valid[:, None] & (n < N)[None, :]
    tl.store(outputs + to, best, mask=use)
    tl.store(chosen + to, place.to(tl.uint8), mask=use)


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _weight_gradients(
    maps: torch.Tensor,
    gradients: torch.Tensor,
    chosen: torch.Tensor,
    weights: torch.Tensor,
    biases: torch.Tensor,
    images: int,
    runs: int,
    TILES: tl.constexpr,
    PRECISION: tl.constexpr,
    POSITIONS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    INPUTS: tl.constexpr,
    Y: tl.constexpr,
    X: tl.constexpr,
    C: tl.constexpr,
    N: tl.constexpr,
    KY: tl.constexpr,
    KX: tl.constexpr,
    SY: tl.constexpr,
    SX: tl.constexpr,
    BEFORE_Y: tl.constexpr,
    BEFORE_X: tl.constexpr,
    DY: tl.constexpr,
    DX: tl.constexpr,
    WINDOW: tl.constexpr,
    OY: tl.constexpr,
    OX: tl.constexpr,
) -> None:
    """A part of the gradient of a block of weights, over TILES tiles of positions, and that of the biases."""
    run, part = (tl.program_id(1) % runs).to(tl.int64), tl.program_id(1) // runs
    first = tl.program_id(0) * INPUTS
    n = tl.program_id(2) * OUTPUTS + tl.arange(0, OUTPUTS)
    maps += run * images * Y * X * C
    gradients += run * images * OY * OX * N
    chosen += run * images * OY * OX * N
    total = tl.zeros((INPUTS, OUTPUTS), tl.float32)
    biased = tl.zeros((OUTPUTS,), tl.float32)
    for tile in range(0, TILES):
        position = (part * TILES + tile) * POSITIONS + tl.arange(0, POSITIONS)
        valid = position < images * OY * OX
        image, oy, ox = position // (OY * OX), position // OX % OY, position % OX
        at = position[:, None] * N + n[None, :]
        use = valid[:, None] & (n < N)[None, :]
        gradient = tl.load(gradients + at, mask=use, other=0.0)
        place = tl.load(chosen + at, mask=use, other=255)
        for step in range(0, WINDOW * WINDOW):
            y = (oy * WINDOW + step // WINDOW) * SY - BEFORE_Y
            x = (ox * WINDOW + step % WINDOW) * SX - BEFORE_X
            row = _inputs(maps, image, y, x, valid, first, Y, X, C, KY, KX, DY, DX, INPUTS)
            here = tl.where(place == step, gradient, 0.0).to(gradient.dtype)
            total = tl.dot(tl.trans(row), here, total, input_precision=PRECISION)
        biased += tl.sum(tl.where(place < WINDOW * WINDOW, gradient, 0.0).to(tl.float32), 0)
    index = part * runs + run
    number = first + tl.arange(0, INPUTS)
    use = (number < KY * KX * C)[:, None] & (n < N)[None, :]
    tl.store(weights + (index * N + n[None, :]) * (KY * KX * C) + number[:, None], total, mask=use)
    if first == 0:
        tl.store(biases + index * N + n, biased, mask=n < N)


@triton.jit  # type: ignore[untyped-decorator, unused-ignore]
def _map_gradients(
    gradients: torch.Tensor,
    chosen: torch.Tensor,
    weights: torch.Tensor,
    maps: torch.Tensor,
    images: int,
    PRECISION: tl.constexpr,
    POSITIONS: tl.constexpr,
    CHANNELS: tl.constexpr,
    OUTPUTS: tl.constexpr,
    Y: tl.constexpr,
    X: tl.constexpr,
    C: tl.constexpr,
    N: tl.constexpr,
    KY: tl.constexpr,
    KX: tl.constexpr,
    SY: tl.constexpr,
    SX: tl.constexpr,
    BEFORE_Y: tl.constexpr,
    BEFORE_X: tl.constexpr,
    DY: tl.constexpr,
    DX: tl.constexpr,
    WINDOW: tl.constexpr,
    OY: tl.constexpr,
    OX: tl.constexpr,
) -> None:
    run = tl.program_id(1).to(tl.int64)
    position = tl.program_id(0) * POSITIONS + tl.arange(0, POSITIONS)
    c = tl.program_id(2) * CHANNELS + tl.arange(0, CHANNELS)
    valid = position < images * Y * X
    image, y, x = position // (Y * X), position // X % Y, position % X
    gradients += run * images * OY * OX * N
    chosen += run * images * OY * OX * N
    weights += run * N * KY * KX * C
    total = tl.zeros((POSITIONS, CHANNELS), tl.float32)
    for place in range(KY * KX):
        # Where the convolution that met (y, x) at this place of its kernel began, in steps of its stride.
        cy, cx = y + BEFORE_Y - place // KX * DY, x + BEFORE_X - place % KX * DX
        met = valid & (cy >= 0) & (cx >= 0) & (cy % SY == 0) & (cx % SX == 0)
        cy, cx = cy // SY, cx // SX
        oy, ox = cy // WINDOW, cx // WINDOW
        met = met & (oy < OY) & (ox < OX)
        step = cy % WINDOW * WINDOW + cx % WINDOW
        for first in range(0, N, OUTPUTS):
            n = first + tl.arange(0, OUTPUTS)
            at = ((image * OY + oy) * OX + ox)[:, None] * N + n[None, :]
            use = met[:, None] & (n < N)[None, :]
            gradient = tl.load(gradients + at, mask=use, other=0.0)
            here = tl.where(tl.load(chosen + at, mask=use, other=255) == step[:, None], gradient, 0.0)
            use = (n < N)[:, None] & (c < C)[None, :]
            weight = tl.load(weights + (n[:, None] * (KY * KX) + place) * C + c[None, :], mask=use, other=0.0)
            total = tl.dot(here.to(weight.dtype), weight, total, input_precision=PRECISION)
    to = run * images * Y * X * C + position[:, None] * C + c[None, :]
    tl.store(maps + to, total, mask=valid[:, None] & (c < C)[None, :])


def forward(
    maps: Tensor, weights: Tensor, biases: Tensor | None, shape: Shape, precision: str
) -> tuple[Tensor, Tensor]:
    """Pooled outputs in the type of the maps, and `chosen`."""
    runs, positions = len(weights), shape.images * shape.pooled[0] * shape.pooled[1]
    outputs = maps.new_empty(runs * shape.images, *shape.pooled, shape.outputs)
    chosen = torch.empty_like(outputs, dtype=torch.uint8)
    width, step = _block(shape.outputs, MOST_OUTPUTS), _block(shape.inputs, MOST_INPUTS, shape.channels)
    grid = (triton.cdiv(positions, POSITIONS), runs, triton.cdiv(shape.outputs, width))
    _forward[grid](
        maps,
        weights,
        weights if biases is None else biases,
        outputs,
        chosen,
        shape.images,
        BIASED=biases is not None,
        RELU=shape.relu,
        PRECISION=precision,
        POSITIONS=POSITIONS,
        OUTPUTS=width,
        INPUTS=step,
        **shape.constants,
    )
    return outputs, chosen


def weight_gradients(
    maps: Tensor, gradients: Tensor, chosen: Tensor, runs: int, shape: Shape, precision: str
) -> tuple[Tensor, Tensor]:
    """Gradients of weights (runs, outputs, y, x, channels) and biases (runs, outputs), both float32."""
    width, step = _block(shape.outputs, MOST_OUTPUTS), _block(shape.inputs, MOST_INPUTS, shape.channels)
    blocks = triton.cdiv(shape.inputs, step), triton.cdiv(shape.outputs, width)
    tiles = triton.cdiv(shape.images * shape.pooled[0] * shape.pooled[1], POSITIONS)
    each = triton.cdiv(tiles, max(1, min(tiles, PROGRAMS // (runs * blocks[0] * blocks[1]))))
    parts = triton.cdiv(tiles, each)
    weights = maps.new_empty(parts, runs, shape.outputs, *shape.kernel, shape.channels, dtype=torch.float32)
    biases = maps.new_empty(parts, runs, shape.outputs, dtype=torch.float32)
    _weight_gradients[(blocks[0], parts * runs, blocks[1])](
        maps,
        gradients,
        chosen,
        weights,
        biases,
        shape.images,
        runs,
        TILES=each,
        PRECISION=precision,
        POSITIONS=POSITIONS,
        OUTPUTS=width,
        INPUTS=step,
        **shape.constants,
    )
    return weights.sum(0), biases.sum(0)


def map_gradients(gradients: Tensor, chosen: Tensor, weights: Tensor, shape: Shape, precision: str) -> Tensor:
    """Gradients of the maps, in the type of `gradients`."""
    runs, positions = len(weights), shape.images * shape.size[0] * shape.size[1]
    maps = gradients.new_empty(runs * shape.images, *shape.size, shape.channels)
    width = _block(shape.channels, MOST_OUTPUTS)
    _map_gradients[(triton.cdiv(positions, POSITIONS), runs, triton.cdiv(shape.channels, width))](
        gradients,
        chosen,
        weights,
        maps,
        shape.images,
        PRECISION=precision,
        POSITIONS=POSITIONS,
        CHANNELS=width,
        OUTPUTS=_block(shape.outputs, MOST_INPUTS),
        **shape.constants,
    )
    return maps


def _block(count: int, most: int, whole: int = 0) -> int:
    """A power of two from 16, the least that is multiplied, to `most`; one that divides `whole` if there is one."""
    sizes = [size for size in (16, 32, 64, 128) if size <= most]
    dividing = [size for size in sizes if whole and whole % size == 0]
    return dividing[-1] if dividing else next((size for size in sizes if size >= count), sizes[-1])
