"""Features of named layers, several in one forward pass, batch by batch."""

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError
from workflow_lib.models.channels import pooling_axis
from workflow_lib.models.layers import OUTPUT, find_layer, pooled, unfit_reason


@dataclass(frozen=True)
class Layer:
    """A layer of a network: a module by name (`logits`: the output) and how its maps are pooled.

    Attributes:
        module: name within the network.
        pool: none | avg | max, over all positions of a map, such as (n, channel, y, x), or the tokens of a
            sequence (n, token, channel); vectors (n, feature) are unchanged. cls: the class token of a sequence.
        channels: first | last: which axis of a map holds the channels; None: it is found (`models.channels`).
    """

    module: str
    pool: str = "none"
    channels: str | None = None


@dataclass(frozen=True)
class Batch:
    """Features and logits of consecutive samples.

    Attributes:
        features: float32 (b, d) by layer name; maps that are not pooled are flattened in the order of their axes.
        logits: float32 (b, outputs).
    """

    features: dict[str, np.ndarray]
    logits: np.ndarray


def extract(
    network: nn.Module, images: Iterable[np.ndarray], layers: Mapping[str, Layer], *, device: str = "cpu"
) -> Iterator[Batch]:
    """Features of each batch of `images`, in eval mode and without gradients.

    Args:
        network: maps images in [0, 1] to logits.
        images: batches (b, c, y, x) float32 in [0, 1].
        layers: by layer name, which is free to choose.
        device: "cpu" or "cuda".

    Raises:
        UserError: a layer does not exist (the error lists those that do), is called never or several times in a
            forward pass, does not return one tensor with a row per image, or is to be pooled and the axis of its
            channels cannot be told.
    """
    modules = {name: find_layer(network, layer.module, f"layers.{name}") for name, layer in layers.items()}
    was_training = network.training
    network.to(device).eval()
    try:
        axes: dict[str, int] = {}
        for batch in images:
            with torch.inference_mode():  # not around the loop: the images of the next batch may need gradients
                axes = axes or _axes(network, batch.shape[1:], layers)
                found = _forward(network, torch.from_numpy(batch).to(device), layers, modules, axes)
            yield found
    finally:
        network.train(was_training)


def _axes(network: nn.Module, image_shape: tuple[int, ...], layers: Mapping[str, Layer]) -> dict[str, int]:
    """Axis of the channels by layer name."""
    return {
        name: pooling_axis(network, image_shape, layer.module, layer.pool, layer.channels, f"layers.{name}")
        for name, layer in layers.items()
    }


def _forward(
    network: nn.Module,
    images: Tensor,
    layers: Mapping[str, Layer],
    modules: Mapping[str, nn.Module],
    axes: Mapping[str, int],
) -> Batch:
    found: dict[str, np.ndarray] = {}
    with contextlib.ExitStack() as hooks:
        for name, layer in layers.items():
            handle = modules[name].register_forward_hook(_Collect(name, layer, axes[name], len(images), found))
            hooks.callback(handle.remove)
        logits = network(images)
    for name, layer in layers.items():
        if name not in found:
            raise _unfit(name, layer, unfit_reason([], len(images)))
    return Batch(found, logits.to("cpu", torch.float32).numpy())


class _Collect:
    """A forward hook that copies the output at once, before a later in-place operation changes it."""

    def __init__(self, name: str, layer: Layer, axis: int, count: int, found: dict[str, np.ndarray]) -> None:
        self.name, self.layer, self.axis, self.count, self.found = name, layer, axis, count, found

    def __call__(self, module: nn.Module, inputs: Any, output: Any) -> None:
        calls = [*([self.found[self.name]] if self.name in self.found else []), output]
        if reason := unfit_reason(calls, self.count):
            raise _unfit(self.name, self.layer, reason)
        vectors = pooled(output, self.layer.pool, self.axis).flatten(1)
        self.found[self.name] = vectors.to("cpu", torch.float32, copy=True).numpy()


def _unfit(name: str, layer: Layer, reason: str) -> UserError:
    other = "name a block that contains it, or one after it"
    if layer.module == OUTPUT:
        other = "let the network return one tensor of logits"
    return UserError(Problem(f"layers.{name}", layer.module, f"this layer {reason}", other))
