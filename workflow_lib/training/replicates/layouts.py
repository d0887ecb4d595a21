"""Layouts of the maps of a stack: how the maps of all runs lie in memory, and the layers that depend on it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

ALIGNED_INPUTS = 8
"""Matrices of bfloat16 are multiplied fast on a GPU if their rows are multiples of 16 bytes."""

PRODUCTS = 200
"""Products at once that occupy a GPU, where each sums over many positions."""


class Layout(ABC):
    """Layers on the maps of all runs; no value of one run affects another.

    Args:
        runs: number of runs in the stack.
    """

    def __init__(self, runs: int) -> None:
        self._runs = runs

    @abstractmethod
    def arrange(self, images: Tensor) -> Tensor:
        """Maps of images (runs, b, c, y, x)."""

    def block(
        self, maps: Tensor, weight: Tensor, bias: Tensor | None, like: nn.Conv2d, after: Sequence[nn.Module]
    ) -> Tensor:
        """Convolutions (`convolve`), and the ReLU and pooling layers `after` them; weights and biases are float32."""
        cast = weight.to(maps.dtype), None if bias is None else bias.to(maps.dtype)
        return self.follow(self.convolve(maps, *cast, like), after)

    def follow(self, maps: Tensor, layers: Sequence[nn.Module]) -> Tensor:
        """ReLU and pooling layers on the maps."""
        for layer in layers:
            maps = self.pool(maps, layer) if isinstance(layer, nn.MaxPool2d) else layer(maps)
        return maps

    @abstractmethod
    def convolve(self, maps: Tensor, weight: Tensor, bias: Tensor | None, like: nn.Conv2d) -> Tensor:
        """Convolutions with weights (runs, outputs, y, x, inputs) and biases (runs, outputs).

        `like` is the layer of one run, which sets stride, padding and dilation.
        """

    @abstractmethod
    def pool(self, maps: Tensor, layer: nn.MaxPool2d) -> Tensor:
        """The layer on the maps of each run."""

    @abstractmethod
    def flatten(self, maps: Tensor) -> Tensor:
        """Vectors (runs, b, features) in the order y, x, c, which is the order in memory, so that little is moved."""


class Grouped(Layout):
    """A group of channels per run, (b, runs * c, y, x), channels last in memory: fastest on a CPU."""

    def arrange(self, images: Tensor) -> Tensor:
        """Maps of images (runs, b, c, y, x)."""
        return images.transpose(0, 1).flatten(1, 2).contiguous(memory_format=torch.channels_last)

    def convolve(self, maps: Tensor, weight: Tensor, bias: Tensor | None, like: nn.Conv2d) -> Tensor:
        """One grouped convolution."""
        joined = weight.flatten(0, 1).permute(0, 3, 1, 2)
        biases = None if bias is None else bias.flatten()
        return conv2d(maps, joined, biases, like.stride, like.padding, like.dilation, self._runs)

    def pool(self, maps: Tensor, layer: nn.MaxPool2d) -> Tensor:
        """The layer itself."""
        pooled: Tensor = layer(maps)
        return pooled

    def flatten(self, maps: Tensor) -> Tensor:
        """Vectors (runs, b, features)."""
        last = maps.permute(0, 2, 3, 1)
        return last.reshape(*last.shape[:3], self._runs, -1).permute(3, 0, 1, 2, 4).flatten(2)


class Separate(Layout):
    """Maps (runs * b, y, x, c): for GPUs, where many groups are slow (PyTorch issues 70954, 73764)."""

    def arrange(self, images: Tensor) -> Tensor:
        """Maps of images (runs, b, c, y, x)."""
        return images.flatten(0, 1).permute(0, 2, 3, 1)

    def convolve(self, maps: Tensor, weight: Tensor, bias: Tensor | None, like: nn.Conv2d) -> Tensor:
        """A few matrix products per run, of the shifted maps side by side."""
        beside = like._reversed_padding_repeated_twice
        padded = pad(maps, (0, 0, *beside)) if any(beside) else maps
        y, x = map(_shifts, padded.shape[1:3], weight.shape[2:4], like.stride, like.dilation)
        shifted = [padded[:, rows, columns] for rows in y for columns in x]
        missing = -weight[0, 0].numel() % ALIGNED_INPUTS
        zeros = maps.new_zeros(()).expand(*shifted[0].shape[:-1], missing)
        inputs = torch.cat([*shifted, zeros], -1)
        parts = _parts(self._runs, len(maps) // self._runs)
        matrices = pad(weight.flatten(2), (0, missing))[:, None].expand(-1, parts, -1, -1).flatten(0, 1)
        found = torch.bmm(inputs.reshape(len(matrices), -1, inputs.shape[-1]), matrices.transpose(1, 2))
        if bias is not None:
            found = found.view(self._runs, -1, found.shape[-1]) + bias[:, None]
        return found.view(*inputs.shape[:-1], -1)

    def pool(self, maps: Tensor, layer: nn.MaxPool2d) -> Tensor:
        """The layer on the maps as images whose channels are last in memory."""
        pooled: Tensor = layer(maps.permute(0, 3, 1, 2))
        return pooled.permute(0, 2, 3, 1)

    def flatten(self, maps: Tensor) -> Tensor:
        """Vectors (runs, b, features)."""
        return maps.reshape(self._runs, len(maps) // self._runs, -1)


def _shifts(length: int, size: int, step: int, dilation: int) -> list[slice]:
    """The positions that each of the `size` weights of a kernel meets, along an axis of the maps."""
    reach = dilation * (size - 1)
    return [slice(first, length - reach + first, step) for first in range(0, reach + 1, dilation)]


def _parts(runs: int, images: int) -> int:
    """Parts of the images of a run that are multiplied on their own.

    The gradient of a run's weights is a small matrix, summed over all positions in all images. As one product per run,
    it would occupy only a few of a GPU's multiprocessors.
    """
    return next(parts for parts in range(max(1, PRODUCTS // runs), 0, -1) if images % parts == 0)
