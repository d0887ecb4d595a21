"""Networks of one architecture as one network: their channels side by side, a group of channels for each.

The runs of a stack share every call of a kernel, and nothing else: no number of one goes into those of another.
Maps are (b, runs * c, y, x), channels last in memory; vectors are (runs, b, features).

`torch.func.vmap` gives a run equal bytes among other neighbours too, but takes longer: 1.3 and 1.5 times at 8 x 8, 2.2
times at 32 x 32, for 10 runs on one core.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from workflow_lib.models.normalization import Classifier
from workflow_lib.training.replicates.chain import chain
from workflow_lib.training.replicates.convolution import by_products, grouped

ALIGNED = 16
"""Weights begin at multiples of so many numbers: what a vector register of 64 bytes holds."""


class Stack:
    """Several networks of one architecture, to be trained as one.

    Args:
        networks: with their weights, on the CPU; chains of known layers.
        channels: of the images.
        device: "cpu" or "cuda".

    Attributes:
        vector: all weights behind each other, as a module's only parameter: an update by an optimiser is one pass over
            it. Its `grad` is always there, to be set to zero before each batch.
    """

    def __init__(self, networks: Sequence[nn.Module], channels: int, device: str) -> None:
        self._scale = _scale(networks[0], device)
        self._chains = [chain(network) or [] for network in networks]
        self._layers = list(_stacked(self._chains, channels))
        self._classes = next(x.out_features for x in reversed(self._chains[0]) if isinstance(x, nn.Linear))
        self.vector = nn.ParameterList([_join(self._weighted(), device)])

    def __call__(self, images: Tensor) -> Tensor:
        """Logits (runs, b, classes) of images (runs, b, c, y, x) float32 in [0, 1]: each run has its own."""
        if self._scale is not None:
            images = (images - self._scale[0]) / self._scale[1]
        values = images.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)
        for layer in self._layers:
            values = layer(values)
        return values[..., : self._classes]

    def unstack(self, run: int) -> None:
        """Copy the weights of a run back into the network that it came from."""
        own = [layer for layer in self._chains[run] if isinstance(layer, nn.Conv2d | nn.Linear)]
        for stacked, layer in zip(self._weighted(), own, strict=True):
            stacked.copy_to(layer, run)

    def _weighted(self) -> "list[_Weighted]":
        return [layer for layer in self._layers if isinstance(layer, _Weighted)]


def _scale(network: nn.Module, device: str) -> tuple[Tensor, Tensor] | None:
    """Mean and standard deviation that the images are normalised with; None where they stay as they are."""
    if not isinstance(network, Classifier) or not ((network.mean != 0).any() or (network.std != 1).any()):
        return None
    return network.mean.to(device), network.std.to(device)


def _stacked(chains: Sequence[list[nn.Module]], channels: int) -> Iterator[Callable[[Tensor], Tensor]]:
    """The layers of all runs as layers of the stack; `channels` is that of the images."""
    for layers in zip(*chains, strict=True):
        first = layers[0]
        if isinstance(first, nn.Conv2d):
            yield _Convolutions(layers, first)
            channels = first.out_channels
        elif isinstance(first, nn.Linear):
            yield _Linears(layers, first.in_features, channels)
            channels = 1  # its outputs are no map any more
        else:
            yield _Flatten(len(chains), channels) if isinstance(first, nn.Flatten) else first


class _Flatten:
    """Maps to vectors in the order y, x, c, as the numbers lie in memory, so that little is moved."""

    def __init__(self, runs: int, channels: int) -> None:
        self._shape = (runs, channels)

    def __call__(self, maps: Tensor) -> Tensor:
        last = maps.permute(0, 2, 3, 1)
        return last.reshape(*last.shape[:3], *self._shape).permute(3, 0, 1, 2, 4).flatten(2)


class _Weighted(ABC):
    """A layer of all runs.

    Attributes:
        tensors: weight (runs, outputs, …) in the order of the stack, and bias (runs, outputs) where there is one.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        own = [dict(layer.named_parameters()) for layer in layers]
        self.tensors = {name: torch.stack([self._arranged(tensors[name]) for tensors in own]) for name in own[0]}

    def copy_to(self, layer: nn.Module, run: int) -> None:
        """Give a network's own layer the weights of a run."""
        with torch.no_grad():
            for name, own in layer.named_parameters():
                own.copy_(self._restored(self.tensors[name][run], own.shape))

    @abstractmethod
    def __call__(self, values: Tensor) -> Tensor:
        """The layer's output for all runs."""

    @abstractmethod
    def _arranged(self, tensor: Tensor) -> Tensor:
        """A network's own weight or bias in the order of the stack."""

    @abstractmethod
    def _restored(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        """The inverse of `_arranged`."""


class _Convolutions(_Weighted):
    """Weights (runs, outputs, y, x, inputs)."""

    def __init__(self, layers: Sequence[nn.Module], first: nn.Conv2d) -> None:
        super().__init__(layers)
        self._like = first

    def __call__(self, maps: Tensor) -> Tensor:
        convolve = by_products if maps.is_cuda else grouped
        return convolve(maps, self.tensors["weight"], self.tensors.get("bias"), self._like)

    def _arranged(self, tensor: Tensor) -> Tensor:
        return tensor.permute(0, 2, 3, 1) if tensor.ndim == 4 else tensor

    def _restored(self, tensor: Tensor, shape: torch.Size) -> Tensor:
        return tensor.permute(0, 3, 1, 2) if tensor.ndim == 4 else tensor


class _Linears(_Weighted):
    """Weights (runs, outputs, inputs), inputs in the order of `_Flatten`.

    Both numbers are filled up with zeros to multiples of ALIGNED, which stay zero in training. So the matrices of all
    runs begin at aligned addresses; else they would not all be multiplied by the same instructions, and a run's
    sums would be rounded otherwise in one place of the stack than in another.
    """

    def __init__(self, layers: Sequence[nn.Module], inputs: int, channels: int) -> None:
        self._inputs, self._channels = inputs, channels
        super().__init__(layers)

    def __call__(self, vectors: Tensor) -> Tensor:
        weight, bias = self.tensors["weight"].transpose(1, 2), self.tensors.get("bias")
        if missing := weight.shape[1] - vectors.shape[2]:
            vectors = pad(vectors, (0, missing))
        return torch.bmm(vectors, weight) if bias is None else torch.baddbmm(bias[:, None], vectors, weight)

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
    """All tensors of the layers in one vector, of which they become parts, as their gradients do of its gradient."""
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
