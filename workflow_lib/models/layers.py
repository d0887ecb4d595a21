"""Layers of a network by name."""

from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError, listed, write_nearest
from workflow_lib.models.normalization import Classifier

OUTPUT = "logits"
"""Always names the network's output, whether or not a module is called so."""


def inner(network: nn.Module) -> nn.Module:
    """The user's own network, out of its normalisation."""
    return network.network if isinstance(network, Classifier) else network


def layer_names(network: nn.Module) -> list[str]:
    """Names of all modules in the order in which they were made, and `logits` for the output."""
    names = [name for name, _ in inner(network).named_modules() if name and name != OUTPUT]
    return [*names, OUTPUT]


def find_layer(network: nn.Module, name: str, where: str = "layers") -> nn.Module:
    """The module called `name`; the whole network for `logits`.

    Raises:
        UserError: there is no such module; the error lists those that exist, with the nearest name.
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
    """Name of the last linear (or 1 x 1 convolution) layer, which gives the logits; None when there is none."""
    names = [
        name
        for name, module in inner(network).named_modules()
        if isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1))
    ]
    return names[-1] if names else None


def pooled(output: Tensor, pool: str) -> Tensor:
    """A layer's output (n, c, y, x) or (n, token, c) pooled to (n, c); anything else, and pool "none", is unchanged."""
    positions = {4: (2, 3), 3: (1,)}.get(output.ndim)
    if pool == "none" or positions is None:
        return output
    return output.mean(positions) if pool == "avg" else output.amax(positions)
