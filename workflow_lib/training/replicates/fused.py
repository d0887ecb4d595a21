"""Convolutions of many networks on a GPU by kernels of our own, each with the max pooling and ReLU that follow it."""

import sys
from collections.abc import Sequence
from functools import cache
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from workflow_lib.training.replicates.layouts import Layout, Separate


def layout_on_gpu(runs: int) -> Layout:
    """The fastest layout for a GPU: `Fused`, if its kernels run there."""
    return Separate(runs) if _kernels() is None else Fused(runs)


class Fused(Separate):
    """Maps (runs * b, y, x, c); no matrices of inputs, and no maps between a convolution and what follows it."""

    def block(
        self, maps: Tensor, weight: Tensor, bias: Tensor | None, like: nn.Conv2d, after: Sequence[nn.Module]
    ) -> Tensor:
        """One kernel, and whatever follows that it cannot do."""
        window, relu, done = _fusable(after)
        outputs: Tensor = _Convolution.apply(maps.contiguous(), weight, bias, like, window, relu)  # type: ignore[no-untyped-call]
        return self.follow(outputs, after[done:])


def _fusable(layers: Sequence[nn.Module]) -> tuple[int, bool, int]:
    """Side of the windows of pooling, whether there is a ReLU, and the number of layers that one kernel does."""
    window, relu = 1, False
    for done, layer in enumerate(layers):
        if isinstance(layer, nn.ReLU):
            relu = True
        elif window == 1 and isinstance(layer, nn.MaxPool2d) and (side := _side(layer)):
            window = side
        else:
            return window, relu, done
    return window, relu, len(layers)


def _side(pool: nn.MaxPool2d) -> int:
    """Side of square windows that lie side by side, from the first pixel on; 0 for other windows."""
    sizes = {size for sizes in (pool.kernel_size, pool.stride) for size in _pair(sizes)}
    plain = {*_pair(pool.padding)} == {0} and {*_pair(pool.dilation)} == {1} and not pool.ceil_mode
    return sizes.pop() if plain and len(sizes) == 1 else 0


def _pair(value: int | tuple[int, ...]) -> tuple[int, int]:
    return (value[0], value[1]) if isinstance(value, tuple) else (value, value)


@cache
def _kernels() -> ModuleType | None:
    """The module of the kernels if a first, small one runs."""
    try:
        from workflow_lib.training.replicates import convolution_kernels

        maps = torch.ones(1, 1, 1, 1, device="cuda")
        one = (1, 1)
        shape = convolution_kernels.Shape(1, one, 1, 1, one, one, (0, 0), one, window=1, relu=False, pooled=one)
        convolution_kernels.forward(maps, maps[None], None, shape, "ieee")
    except Exception as error:  # of many kinds, for want of Triton or of the C compiler that it needs
        reason = str(error).strip().partition("\n")[0]
        print(f"stacks without kernels, so slower: {type(error).__name__}: {reason}", file=sys.stderr)
        return None
    return convolution_kernels


class _Convolution(torch.autograd.Function):
    """Maps (runs * b, y, x, c) by weights (runs, outputs, y, x, c) and biases (runs, outputs), pooled and through ReLU.

    Weights, biases and their gradients are float32; products are in the type of the maps, and their sums float32.
    """

    @staticmethod
    def forward(
        ctx: Any,
        maps: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        like: nn.Conv2d,
        window: int,
        relu: bool,
    ) -> Tensor:
        """The outputs; kept for the gradient: what it needs, in the type of the maps."""
        from workflow_lib.training.replicates import convolution_kernels as kernels

        left, right, top, bottom = like._reversed_padding_repeated_twice
        size, kernel = _pair(maps.shape[1:3]), _pair(weight.shape[2:4])
        stride, dilation = _pair(like.stride), _pair(like.dilation)
        y, x = (
            ((length + padding - step * (side - 1) - 1) // stride_ + 1) // window
            for length, padding, step, side, stride_ in zip(
                size, (top + bottom, left + right), dilation, kernel, stride, strict=True
            )
        )
        shape = kernels.Shape(
            images=len(maps) // len(weight),
            size=size,
            channels=maps.shape[3],
            outputs=weight.shape[1],
            kernel=kernel,
            stride=stride,
            before=(top, left),
            dilation=dilation,
            window=window,
            relu=relu,
            pooled=(y, x),
        )
        cast = weight.to(maps.dtype)
        precision = "tf32" if torch.backends.cuda.matmul.allow_tf32 else "ieee"
        outputs, chosen = kernels.forward(maps, cast, bias, shape, precision)
        ctx.save_for_backward(maps, cast, chosen)
        ctx.shape, ctx.precision = shape, precision
        return outputs

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of the maps, the weights and the biases."""
        from workflow_lib.training.replicates import convolution_kernels as kernels

        maps, cast, chosen = ctx.saved_tensors
        gradients = gradients.contiguous()
        weight, bias = kernels.weight_gradients(maps, gradients, chosen, len(cast), ctx.shape, ctx.precision)
        before = None
        if ctx.needs_input_grad[0]:
            before = kernels.map_gradients(gradients, chosen, cast, ctx.shape, ctx.precision)
        return before, weight, bias if ctx.needs_input_grad[2] else None, None, None, None
