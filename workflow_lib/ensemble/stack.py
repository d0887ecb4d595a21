"""Networks of one architecture as one network: their channels side by side, a group of channels for each.

The members of a stack share every call of a kernel, and nothing else: no number of one goes into those of another.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from workflow_lib.models.layers import inner
from workflow_lib.models.normalization import Classifier
from workflow_lib.models.small_cnn import SmallCNN

CHAINS = (nn.Sequential, SmallCNN)
"""Modules that hand their input from child to child and do nothing else."""


def chain(network: nn.Module) -> list[nn.Module] | None:
    """The layers of a network one after the other; None where it is more than a chain of layers that a stack knows.

    Known are convolutions, maximum pooling, ReLU, one flattening and linear layers after it, all trained: nothing with
    a state, a random choice or a statistic over the batch. `small_cnn` and a plain `nn.Sequential` can be such chains.
    """
    layers = _unrolled(inner(network))
    kinds = [type(layer) for layer in layers]
    if kinds.count(nn.Flatten) != 1 or not all(map(_is_known, layers)):
        return None
    flat = kinds.index(nn.Flatten)
    maps, vectors = {nn.Conv2d, nn.MaxPool2d, nn.ReLU}, {nn.Linear, nn.ReLU}
    fits = set(kinds[:flat]) <= maps and set(kinds[flat + 1 :]) <= vectors
    return layers if fits and all(parameter.requires_grad for parameter in network.parameters()) else None


def _unrolled(module: nn.Module) -> list[nn.Module]:
    if type(module) not in CHAINS or _has_hooks(module):
        return [module]
    return [layer for child in module.children() for layer in _unrolled(child)]


def _is_known(layer: nn.Module) -> bool:
    """Whether a layer, if of a known kind, does no more than the plain thing."""
    if isinstance(layer, nn.Conv2d) and (layer.groups != 1 or layer.padding_mode != "zeros"):
        return False
    if isinstance(layer, nn.MaxPool2d) and layer.return_indices:
        return False
    if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) != (1, -1):
        return False
    return not _has_hooks(layer)


def _has_hooks(module: nn.Module) -> bool:
    return bool(module._forward_hooks or module._forward_pre_hooks)


class Stack(nn.Module):
    """Several networks of one architecture, to be trained as one.

    Args:
        networks: with their weights, on the CPU; chains of known layers (`chain`).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        super().__init__()
        first = networks[0]
        scale = (first.mean, first.std) if isinstance(first, Classifier) else (torch.tensor(0.0), torch.tensor(1.0))
        for name, value in zip(("mean", "std"), scale, strict=True):
            self.register_buffer(name, value)
        self.chains = [chain(network) or [] for network in networks]
        self.layers = nn.ModuleList(map(_stacked, zip(*self.chains, strict=True)))

    def forward(self, images: Tensor) -> Tensor:
        """Logits (members, b, classes) of images (members, b, c, y, x) float32 in [0, 1]: each member has its own."""
        values = ((images - self.mean) / self.std).transpose(0, 1).flatten(1, 2)  # (b, members * c, y, x)
        values = values.contiguous(memory_format=torch.channels_last)
        for layer in self.layers:
            values = layer(values)
        return values

    def unstack(self, member: int) -> None:
        """Copy the weights of a member back into the network that it came from."""
        with torch.no_grad():
            for stacked, own in zip(self.layers, self.chains[member], strict=True):
                for name, parameter in own.named_parameters():
                    parameter.copy_(stacked.get_parameter(name).unflatten(0, (-1, len(parameter)))[member])


def _stacked(layers: Sequence[nn.Module]) -> nn.Module:
    first = layers[0]
    if isinstance(first, nn.Conv2d):
        return _Convolutions(layers)
    if isinstance(first, nn.Linear):
        return _Linears(layers)
    return _Flatten(len(layers)) if isinstance(first, nn.Flatten) else first


class _Weighted(nn.Module):
    """Layers of all members: `weight` and `bias` (members * outputs, ...)."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = len(layers)
        for name in ("weight", "bias"):
            parts = [getattr(layer, name) for layer in layers]
            self.register_parameter(name, None if parts[0] is None else nn.Parameter(torch.cat(parts).detach()))


class _Convolutions(_Weighted):
    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__(layers)
        first = layers[0]
        self.kernel_size, self.stride = first.kernel_size, first.stride
        self.padding, self.dilation = first.padding, first.dilation

    def forward(self, maps: Tensor) -> Tensor:
        return conv2d(maps, self.weight, self.bias, self.stride, self.padding, self.dilation, self.members)


class _Flatten(nn.Module):
    def __init__(self, members: int) -> None:
        super().__init__()
        self.members = members

    def forward(self, maps: Tensor) -> Tensor:
        """(b, members * c, y, x) -> (members, b, c * y * x)."""
        return maps.unflatten(1, (self.members, -1)).transpose(0, 1).flatten(2)


class _Linears(_Weighted):
    def forward(self, vectors: Tensor) -> Tensor:
        """(members, b, inputs) -> (members, b, outputs)."""
        weight = self.weight.unflatten(0, (self.members, -1)).transpose(1, 2)
        if self.bias is None:
            return torch.bmm(vectors, weight)
        return torch.baddbmm(self.bias.view(self.members, 1, -1), vectors, weight)
