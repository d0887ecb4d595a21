"""Networks that are a chain of simple layers, so that several can be trained as one."""

from torch import nn

from workflow_lib.models.layers import inner
from workflow_lib.models.small_cnn import SmallCNN

CHAINS = (nn.Sequential, SmallCNN)
"""Modules that only pass their input through their children in sequence."""


def chain(network: nn.Module) -> list[nn.Module] | None:
    """The layers of a network in sequence; None if it is not a chain of known layers.

    A chain has convolutions, max pooling and ReLU, then one flatten layer, then linear layers and ReLU. All weights are
    trained, and no layer has a state, randomness or batch statistics. `small_cnn` is a chain, and so can be an
    `nn.Sequential`.
    """
    layers = _unrolled(inner(network))
    kinds = [type(layer) for layer in layers]
    if kinds.count(nn.Flatten) != 1 or not all(map(_is_plain, layers)):
        return None
    flat = kinds.index(nn.Flatten)
    fits = {*kinds[:flat]} <= {nn.Conv2d, nn.MaxPool2d, nn.ReLU} and {*kinds[flat + 1 :]} <= {nn.Linear, nn.ReLU}
    parameters = list(network.parameters())
    trained = all(parameter.requires_grad for parameter in parameters)
    shared = len(parameters) < sum(len(list(layer.parameters())) for layer in layers)
    return layers if fits and trained and not shared else None


def _unrolled(module: nn.Module) -> list[nn.Module]:
    if type(module) not in CHAINS or _is_watched(module):
        return [module]
    # Not children(), which omits repeated modules.
    return [layer for child in module._modules.values() if child is not None for layer in _unrolled(child)]


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer has no special options, hooks or parametrisations; True for unknown types without hooks."""
    if isinstance(layer, nn.Conv2d) and (layer.groups != 1 or layer.padding_mode != "zeros"):
        return False
    if isinstance(layer, nn.MaxPool2d) and layer.return_indices:
        return False
    if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) != (1, -1):
        return False
    return not _is_watched(layer)


def _is_watched(module: nn.Module) -> bool:
    """Whether a module has hooks or parametrisations, which change what its class does."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return any(hooks) or hasattr(module, "parametrizations")
