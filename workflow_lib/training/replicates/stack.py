"""Several networks of one architecture as one network.

The runs of a stack share kernel calls and nothing else: no value of one run affects another. Maps lie as their layout
says; vectors are (runs, b, features).

`torch.func.vmap` takes longer, except for many of the smallest networks (docs/benchmarks/confusion.md).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import takewhile

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from workflow_lib.models.normalization import Classifier
from workflow_lib.training.replicates.chain import chain
from workflow_lib.training.replicates.fused import layout_on_gpu
from workflow_lib.training.replicates.layouts import Grouped, Layout

ALIGNED = 16
"""Weights begin at multiples of this many numbers, the size of a vector register of 64 bytes."""


class Stack:
    """Several networks of one architecture, trained as one.

    Args:
        networks: chains of known layers with their weights, on the CPU.
        channels: number of channels of the images.
        device: "cpu" or "cuda".
        dtype: in which the layers compute; the weights are float32.

    Attributes:
        vector: all weights in sequence, as the only parameter of a module, so that an optimiser updates them in one
            pass. Its `grad` always exists and must be set to zero before each batch.
    """

    def __init__(self, networks: Sequence[nn.Module], channels: int, device: str, dtype: torch.dtype) -> None:
        self._scale, self._dtype = _scale(networks[0], device), dtype
        self._layout: Layout = Grouped(len(networks)) if device == "cpu" else layout_on_gpu(len(networks))
        self._chains = [chain(network) or [] for network in networks]
        self._layers = list(_stacked(self._chains, channels, self._layout))
        self._classes = next(x.out_features for x in reversed(self._chains[0]) if isinstance(x, nn.Linear))
        self.vector = nn.ParameterList([_join(self._weighted(), device)])

    def __call__(self, images: Tensor) -> Tensor:
        """Logits (runs, b, classes) of images (runs, b, c, y, x) in [0, 1], own ones of each run; both are float32."""
        if self._scale is not None:
            images = (images - self._scale[0]) / self._scale[1]
        values = self._layout.arrange(images.to(self._dtype))
        for layer in self._layers:
            values = layer(values)
        return values[..., : self._classes].float()

    def unstack(self, run: int) -> None:
        """Copy the weights of a run back to its network."""
        own = [layer for layer in self._chains[run] if isinstance(layer, nn.Conv2d | nn.Linear)]
        for stacked, layer in zip(self._weighted(), own, strict=True):
            stacked.copy_to(layer, run)

    def _weighted(self) -> "list[_Weighted]":
        return [layer for layer in self._layers if isinstance(layer, _Weighted)]


def _scale(network: nn.Module, device: str) -> tuple[Tensor, Tensor] | None:
    """Mean and standard deviation for normalising images; None if they are not normalised."""
    if not isinstance(network, Classifier) or not ((network.mean != 0).any() or (network.std != 1).any()):
        return None
    return network.mean.to(device), network.std.to(device)


def _stacked(chains: Sequence[list[nn.Module]], channels: int, layout: Layout) -> Iterator[Callable[[Tensor], Tensor]]:
    """Combine the layers of all runs into layers of the stack; `channels` is the number of image channels."""
    index = 0
    while index < len(chains[0]):
        layers, first = [layers[index] for layers in chains], chains[0][index]
        after = [*takewhile(lambda layer: isinstance(layer, nn.ReLU | nn.MaxPool2d), chains[0][index + 1 :])]
        index += 1
        if isinstance(first, nn.Conv2d):
            yield _Convolutions(layers, first, layout, after)
            channels = first.out_channels
            index += len(after)
        elif isinstance(first, nn.Linear):
            yield _Linears(layers, first.in_features, channels)
            channels = 1  # its outputs are vectors, not maps
        elif isinstance(first, nn.MaxPool2d):
            yield partial(layout.pool, layer=first)
        else:
            yield layout.flatten if isinstance(first, nn.Flatten) else first


class _Weighted(ABC):
    """A layer with weights, for all runs.

    Attributes:
        tensors: weight (runs, outputs, …) in the layout of the stack, and bias (runs, outputs) if there is one.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        own = [dict(layer.named_parameters()) for layer in layers]
        self.tensors = {name: torch.stack([self._arranged(tensors[name]) for tensors in own]) for name in own[0]}

    def copy_to(self, layer: nn.Module, run: int) -> None:
        """Copy the weights of a run to its network's layer."""
        with torch.no_grad():
            for name, own in layer.named_parameters():
                own.copy_(self._restored(self.tensors[name][run], own.shape))

    @abstractmethod
    def __call__(self, values: Tensor) -> Tensor:
        """The layer's output for all runs."""

    @abstractmethod
    def _arranged(self, tensor: Tensor) -> Tensor:
        """Convert a network's weight or bias to the layout of the stack."""

    @abstractmethod
    def _restored(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        """The inverse of `_arranged`."""


class _Convolutions(_Weighted):
    """Convolutions with weights (runs, outputs, y, x, inputs), and the ReLU and pooling layers `after` them."""

    def __init__(
        self, layers: Sequence[nn.Module], like: nn.Conv2d, layout: Layout, after: Sequence[nn.Module]
    ) -> None:
        super().__init__(layers)
        self._like, self._layout, self._after = like, layout, after

    def __call__(self, maps: Tensor) -> Tensor:
        weight, bias = self.tensors["weight"], self.tensors.get("bias")
        return self._layout.block(maps, weight, bias, self._like, self._after)

    def _arranged(self, tensor: Tensor) -> Tensor:
        return tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor

    def _restored(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


class _Linears(_Weighted):
    """Linear layers with weights (runs, outputs, inputs), inputs in the order of `Layout.flatten`.

    Outputs and inputs are padded with zeros to multiples of ALIGNED; the zeros stay zero in training. So the matrices
    of all runs begin at aligned addresses. Otherwise they could be multiplied by different instructions, and the
    rounding of a run would depend on its position in the stack.
    """

    def __init__(self, layers: Sequence[nn.Module], inputs: int, channels: int) -> None:
        self._inputs, self._channels = inputs, channels
        super().__init__(layers)

    def __call__(self, vectors: Tensor) -> Tensor:
        weight, bias = self.tensors["weight"].to(vectors.dtype).transpose(1, 2), self.tensors.get("bias")
        if missing := weight.shape[1] - vectors.shape[2]:
            vectors = pad(vectors, (0, missing))
        if bias is None:
            return torch.bmm(vectors, weight)
        return torch.baddbmm(bias[:, None].to(vectors.dtype), vectors, weight)

    def _arranged(self, tensor: Tensor) -> Tensor:
        if tensor.ndim == 1:
            return pad(tensor, (0, -len(tensor) % ALIGNED))
        moved = tensor.view(len(tensor), self._channels, -1).transpose(1, 2).flatten(1)
        return pad(moved, (0, -self._inputs % ALIGNED, 0, -len(tensor) % ALIGNED))

    def _restored(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        if tensor.ndim == 1:
            return tensor[: shape[0]]
        return tensor[: shape[0], : shape[1]].reshape(shape[0], -1, self._channels).transpose(1, 2).flatten(1)


def _join(layers: Sequence[_Weighted], device: str) -> nn.Parameter:
    """Join all tensors of the layers in one vector; tensors and gradients become views of it and of its gradient."""
    sizes = [-(-tensor.numel() // ALIGNED) * ALIGNED for layer in layers for tensor in layer.tensors.values()]
    vector = nn.Parameter(torch.zeros(sum(sizes), device=device))
    vector.grad = torch.zeros_like(vector)
    starts = iter(np.cumsum([0, *sizes]))
    for layer in layers:
        for name, tensor in layer.tensors.items():
            part = slice(start := int(next(starts)), start + tensor.numel())
            values = vector.detach()[part].view(tensor.shape)
            layer.tensors[name] = values.copy_(tensor.detach()).requires_grad_()
            layer.tensors[name].grad = vector.grad[part].view(tensor.shape)
    return vector
