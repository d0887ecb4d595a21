"""Layers of a network by name."""

from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError, listed, write_nearest
from workflow_lib.models.normalization import Classifier

OUTPUT = "logits"
"""Name of the network's output, even if a module has the same name."""


def inner(network: nn.Module) -> nn.Module:
    """The network without its normalisation wrapper."""
    return network.network if isinstance(network, Classifier) else network


def layer_names(network: nn.Module) -> list[str]:
    """Names of all modules in order of creation, and `logits` for the output."""
    names = [name for name, _ in inner(network).named_modules() if name and name != OUTPUT]
    return [*names, OUTPUT]


def find_layer(network: nn.Module, name: str, where: str = "layers") -> nn.Module:
    """The module called `name`; the whole network for `logits`.

    Raises:
        UserError: no such module; the error lists the existing ones and suggests the nearest name.
    """
    network = inner(network)
    if name == OUTPUT:
        return network
    module: nn.Module
    for known, module in network.named_modules():
        if name and known == name:
            return module
    names = layer_names(network)
    raise UserError(Problem(where, name, f"the layers are: {listed(names)}", write_nearest(name, names)))


def head_name(network: nn.Module) -> str | None:
    """Name of the last linear (or 1 x 1 convolution) layer, which returns the logits; None if there is none."""
    names = [
        name
        for name, module in inner(network).named_modules()
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1))
    ]
    return names[-1] if names else None


def pooled(output: Tensor, pool: str) -> Tensor:
    """A layer's output (n, c, y, x) or (n, token, c), pooled to (n, c). Other shapes and pool "none" are unchanged."""
    positions = {4: (2, 3), 3: (1,)}.get(output.ndim)
    if pool == "none" or positions is None:
        return output
    return output.mean(positions) if pool == "avg" else output.amax(positions)
