"""Which axis of a layer's output holds the channels: the second of (n, channel, y, x), the last of (n, y, x, channel).

Two probes tell it. Positions grow with the image and channels do not. Where the network takes images of one size only,
or the layer's output has a fixed size, the output of a layer with known channels before it is replaced by numbers that
differ between channels only; then they differ in the output along its channels only.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import torch
from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError
from workflow_lib.models.class_token import require_class_token
from workflow_lib.models.layers import find_layer, grey_images, inner, undisturbed

AXES: Final = {"first": 1, "last": -1}
"""Axis of the channels by the config's value of `channels`."""

CHANNELS_FIRST: Final = (
    *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.GroupNorm),
    *(nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d),
)
CHANNELS_LAST: Final = (nn.Linear, nn.LayerNorm, nn.RMSNorm)

SIZES: Final = (1e3, 1.0)
"""Size of the numbers: large ones outweigh what a residual connection adds, small ones pass bounded activations."""

SAME: Final = 1e-2
"""Largest difference between equal numbers, relative to the largest one."""

Replace = Callable[[int, int, Tensor], Tensor | None]
"""(number of an output with known channels, its channel axis, the output) -> the value in its place, or None."""


def pooling_axis(
    network: nn.Module, image_shape: Sequence[int], module: str, pool: str, channels: str | None, where: str
) -> int:
    """The axis that `pool` keeps: the one that `channels` names ("first" or "last"), or else the one found.

    Raises:
        UserError: it cannot be told, or the class token is asked for and there is none; `where` is the key of the
            layer. Or the network has no such module.
    """
    if pool == "cls":
        require_class_token(network, image_shape, module, where)
        return AXES["last"]
    if channels is not None or pool == "none":
        return AXES[channels or "first"]
    axis = channel_axis(network, image_shape, module)
    if axis is None:
        raise UserError(
            Problem(
                where,
                module,
                "which axis of this layer's output holds the channels cannot be told, so it cannot be pooled",
                "write channels: first for (n, channel, y, x), channels: last for (n, y, x, channel), or pool: none",
            )
        )
    return axis


def channel_axis(network: nn.Module, image_shape: Sequence[int], module: str) -> int | None:
    """Axis of the channels in the output of a module; None if it cannot be told.

    It is 1 if there is nothing to pool: the module returns a vector per image or no tensor, or is not reached.

    Args:
        network: any network; its mode and torch's random state are left as they were.
        image_shape: (channels, y, x).
        module: name as in `layers.find_layer`.

    Raises:
        UserError: the network has no such module.
    """
    channels, height, width = image_shape
    output, number = _output(network, image_shape, module)
    if output is None or output.ndim <= 2:
        return 1
    of_larger, _ = _output(network, (channels, 2 * height, 2 * width), module)
    if of_larger is not None and (axis := _not_grown(output, of_larger)) is not None:
        return axis
    tries = (_numbered(network, image_shape, module, number, size) for size in SIZES)
    return next((axis for axis in tries if axis is not None), None)


def _output(
    network: nn.Module, image_shape: Sequence[int], name: str, replace: Replace = lambda *call: None
) -> tuple[Tensor | None, int]:
    """Output of a module for two grey images, and how many outputs with known channels there were before it.

    None if the module is not reached or returns no tensor. The network may fail after the module.
    """
    found: Tensor | None = None
    count = before = 0

    def collect(module: nn.Module, inputs: object, output: object) -> None:
        nonlocal found, before
        if isinstance(output, Tensor):
            found, before = output.clone(), count

    def known(axis: int, module: nn.Module, inputs: object, output: Tensor) -> Tensor | None:
        nonlocal count
        count += 1
        return replace(count, axis, output)

    with contextlib.ExitStack() as stack:
        stack.enter_context(undisturbed(network))
        stack.enter_context(torch.no_grad())
        for module, axis in _known_axes(network):
            stack.callback(module.register_forward_hook(functools.partial(known, axis)).remove)
        stack.callback(find_layer(network, name).register_forward_hook(collect).remove)
        with contextlib.suppress(Exception):  # a network for images of one size may raise anything for another
            inner(network)(grey_images(network, image_shape))
    return found, before


def _known_axes(network: nn.Module) -> Iterator[tuple[nn.Module, int]]:
    """Modules with torch's own forward that say what their channels are, and the axis."""
    for module in inner(network).modules():
        forward = type(module).forward
        if any(forward is kind.forward for kind in CHANNELS_FIRST):
            yield module, 1
        elif any(forward is kind.forward for kind in CHANNELS_LAST) and not _normalises_positions(module):
            yield module, -1


def _normalises_positions(module: nn.Module) -> bool:
    return len(getattr(module, "normalized_shape", (1,))) > 1


def _not_grown(output: Tensor, of_larger: Tensor) -> int | None:
    """The only axis besides the first that is as long for larger images."""
    if output.ndim != of_larger.ndim:
        return None
    pairs = enumerate(zip(output.shape, of_larger.shape, strict=True))
    same = [axis for axis, (length, longer) in pairs if axis > 0 and length == longer]
    return same[0] if len(same) == 1 else None


def _numbered(network: nn.Module, image_shape: Sequence[int], module: str, number: int, size: float) -> int | None:
    """The axis along which the module's output differs if the channels of output `number` before it are numbered."""

    def output_with(low: float, high: float) -> Tensor | None:
        def replace(count: int, axis: int, output: Tensor) -> Tensor | None:
            if count != number:
                return None
            values = torch.linspace(low, high, output.shape[axis]).to(output)
            axes_after = output.ndim - 1 - axis % output.ndim
            return values.view(-1, *[1] * axes_after).expand_as(output).clone()

        return _output(network, image_shape, module, replace)[0]

    numbered, equal = output_with(2 * size, 3 * size), output_with(size, size)
    return None if numbered is None or equal is None else _only_varying(numbered - equal)


def _only_varying(values: Tensor) -> int | None:
    """The only axis besides the first whose index alone decides the value, where there is one other than 0."""
    largest = float(values.abs().max())
    if not 0 < largest < float("inf"):
        return None
    found = []
    for axis in range(1, values.ndim):
        rows = values.movedim(axis, 0).flatten(1) / largest
        given = rows.abs() > SAME
        low = rows.masked_fill(~given, float("inf")).amin(1)[given.any(1)]
        high = rows.masked_fill(~given, -float("inf")).amax(1)[given.any(1)]
        if (high - low).max() <= SAME and high.max() - low.min() > SAME:
            found.append(axis)
    return found[0] if len(found) == 1 else None
