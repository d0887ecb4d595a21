"""The class token of a transformer, which torchvision, timm and others put first in the sequence of tokens."""

import contextlib
from collections.abc import Iterator, Sequence

import torch
from torch import nn
from torch.nn.parameter import Parameter

from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.models.layers import find_layer, grey_images, inner, undisturbed

NAMES = ("class_token", "cls_token", "class_embedding")
"""Names of the parameter with which the class token begins."""


def require_class_token(network: nn.Module, image_shape: Sequence[int], module: str, where: str) -> None:
    """Raise UserError unless a module returns a sequence whose first token depends on the network's class token.

    Args:
        network: any network; its mode, parameters and torch's random state are left as they were.
        image_shape: (channels, y, x).
        module: name as in `layers.find_layer`.
        where: config key of the layer.
    """
    tokens = [value for name, value in inner(network).named_parameters() if name.rpartition(".")[2] in NAMES]
    if not tokens:
        reason = f"the network has no class token: no parameter is called {listed(NAMES)}"
    else:
        plain = _first_token(network, image_shape, module)
        with _moved(tokens):
            moved = _first_token(network, image_shape, module)
        if plain is not None and moved is not None and not torch.equal(plain, moved):
            return
        reason = "this layer returns no sequence that begins with the class token"
    repair = "write pool: avg, or name a layer that returns all tokens, such as the last block"
    raise UserError(Problem(where, module, reason, repair))


def _first_token(network: nn.Module, image_shape: Sequence[int], name: str) -> torch.Tensor | None:
    """The first token of a module's output (n, token, channel) for grey images; None if it returns no sequence."""
    found: list[object] = []
    handle = find_layer(network, name).register_forward_hook(lambda module, inputs, output: found.append(output))
    try:
        with undisturbed(network), torch.no_grad():
            inner(network)(grey_images(network, image_shape))
    finally:
        handle.remove()
    output = found[0] if found else None
    return output[:, 0].clone() if isinstance(output, torch.Tensor) and output.ndim == 3 else None


@contextlib.contextmanager
def _moved(parameters: Sequence[Parameter]) -> Iterator[None]:
    """Other values of the parameters, for as long as this lasts."""
    before = [value.detach().clone() for value in parameters]
    try:
        with torch.no_grad():
            for value in parameters:
                value.add_(torch.linspace(1, 2, value.numel()).view_as(value).to(value))
        yield
    finally:
        with torch.no_grad():
            for value, own in zip(parameters, before, strict=True):
                value.copy_(own)
