"""Networks that are a chain of simple layers, of which several can be trained as one."""

from torch import nn

from workflow_lib.models.layers import inner
from workflow_lib.models.small_cnn import SmallCNN

CHAINS = (nn.Sequential, SmallCNN)
"""Modules that hand their input from child to child and do nothing else."""


def chain(network: nn.Module) -> list[nn.Module] | None:
    """The layers of a network one after the other; None where it is more than a chain of known layers.

    Known are convolutions, maximum pooling and ReLU, then one flattening, then linear layers and ReLU, all trained:
    nothing with a state, a random choice or a statistic over the batch. `small_cnn` is such a chain, a plain
    `nn.Sequential` may be one.
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
    # Not children(), which leaves out what comes a second time.
    return [layer for child in module._modules.values() if child is not None for layer in _unrolled(child)]


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer, if of a known kind, does no more than its kind promises."""
    if isinstance(layer, nn.Conv2d) and (layer.groups != 1 or layer.padding_mode != "zeros"):
        return False
    if isinstance(layer, nn.MaxPool2d) and layer.return_indices:
        return False
    if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) != (1, -1):
        return False
    return not _is_watched(layer)


def _is_watched(module: nn.Module) -> bool:
    """Whether a hook or a parametrisation does more than the module's class."""
    hooks = (module._forward_hooks, module._forward_pre_hooks, module._backward_hooks, module._backward_pre_hooks)
    return any(hooks) or hasattr(module, "parametrizations")
