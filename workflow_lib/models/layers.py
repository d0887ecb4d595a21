"""Layers of a network by name."""

import contextlib
import functools
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError, listed, write_nearest
from workflow_lib.models.normalization import Classifier

OUTPUT = "logits"
"""Name of the network's output, even if a module has the same name."""

ALIKE: Final = frozenset(
    {
        *("Alias", "AsStrided", "Clone", "ReshapeAlias", "ToCopy", "UnsafeView", "View"),
        *("Permute", "Squeeze", "Transpose", "Unsqueeze"),
        *("AdaptiveAvgPool2D", "AvgPool2D", "Mean"),
        *("Div", "LogSoftmax", "Mul", "Relu", "Sigmoid", "Softmax"),
    }
)
"""Operations, as autograd calls them, that may follow the layer that gives the logits: shape, mean, scale, softmax."""


def inner(network: nn.Module) -> nn.Module:
    """The network without its normalisation wrapper."""
    return network.network if isinstance(network, Classifier) else network


def load_state(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Load a state_dict of this very network, as checkpoints hold it: without the versions that torch keeps beside."""
    target = inner(network)
    versioned = OrderedDict(state)
    versioned._metadata = target.state_dict()._metadata  # type: ignore[attr-defined]
    target.load_state_dict(versioned)


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


def head_name(network: nn.Module, image_shape: Sequence[int]) -> str | None:
    """Name of the linear (or 1 x 1 convolution) layer that gives the logits; None if it cannot be told.

    Found in a forward pass of two grey images: from the logits back, through operations that treat each class alike
    (`ALIKE`), to the layer. It is not told if the output is computed from several layers or by other operations, or
    if the layer has another number of outputs than the network.

    Args:
        network: any network; its mode and torch's random state are left as they were.
        image_shape: (channels, y, x).
    """
    network = inner(network)
    made_by: dict[Any, str] = {}
    with contextlib.ExitStack() as stack:
        for name, module in network.named_modules():
            if is_linear(module):
                hook = functools.partial(_note_origin, made_by, name)
                stack.callback(module.register_forward_hook(hook).remove)
        stack.enter_context(undisturbed(network))
        stack.enter_context(torch.enable_grad())
        logits = network(grey_images(network, image_shape).requires_grad_())
    operation = logits.grad_fn if isinstance(logits, Tensor) else None
    while operation is not None and operation not in made_by:
        operation = _only_origin(operation) if operation.name().partition("Backward")[0] in ALIKE else None
    head = made_by.get(operation)
    if head is None or len(network.get_submodule(head).weight) != logits.shape[1]:  # type: ignore[arg-type]
        return None
    return head


def is_linear(module: nn.Module) -> bool:
    """Whether the module is linear in each position: a linear layer or 1 x 1 convolution with torch's own forward."""
    forward = type(module).forward
    return forward is nn.Linear.forward or (forward is nn.Conv2d.forward and module.kernel_size == (1, 1))


def _note_origin(made_by: dict[Any, str], name: str, module: nn.Module, inputs: object, output: Tensor) -> None:
    made_by[output.grad_fn] = name


def _only_origin(operation: Any) -> Any:
    """The operation that gave the input of `operation`; None if there are several. Parameters do not count."""
    origins = {origin for origin, _ in operation.next_functions if origin and not hasattr(origin, "variable")}
    return origins.pop() if len(origins) == 1 else None


def grey_images(network: nn.Module, image_shape: Sequence[int]) -> Tensor:
    """Two grey images (2, channels, y, x) float32 on the device of the network."""
    parameter = next(network.parameters(), torch.empty(0))
    return torch.full((2, *image_shape), 0.5, device=parameter.device)


@contextlib.contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Eval mode and, on the CPU, seeded random numbers; afterwards mode and random state are as before."""
    was_training = network.training
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        network.eval()
        try:
            yield
        finally:
            network.train(was_training)


def unfit_reason(outputs: Sequence[object], images: int) -> str:
    """Why a module cannot be a layer, from what it returned in a forward pass of so many images; "" if it can."""
    if not outputs:
        return "is not reached when the network classifies an image"
    if len(outputs) > 1:
        return "is called more than once for one image"
    (output,) = outputs
    if not isinstance(output, Tensor):
        return f"returns a {type(output).__name__} instead of one tensor"
    if output.ndim < 2 or len(output) != images:
        return f"returns {tuple(output.shape)} for {images} images, not a row per image"
    return ""


def pooled(output: Tensor, pool: str, axis: int) -> Tensor:
    """A layer's output (n, ...) with channels along `axis`, pooled over all positions to (n, channels).

    Vectors (n, feature) and pool "none" are unchanged. "cls" takes the first token of (n, token, channel).
    """
    if pool == "cls":
        return output[:, 0]
    if pool == "none" or output.ndim == 2:
        return output
    positions = [other for other in range(1, output.ndim) if other != axis % output.ndim]
    return output.mean(positions) if pool == "avg" else output.amax(positions)
