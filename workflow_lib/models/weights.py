"""Load weights from a file into a network: all of them or none."""

import copy
import itertools
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.io import checkpoints
from workflow_lib.models.layers import inner, load_state
from workflow_lib.models.timm_models import timm_weights
from workflow_lib.models.torchvision_models import torchvision_weights
from workflow_lib.optional import optional

HOLDERS = ("network", "state_dict", "model", "net", "model_state_dict", "state_dict_ema", "model_ema", "ema")
"""Keys of the state_dict in checkpoints of this project and of others."""

WRAPPERS = ("module", "_orig_mod", "model")
"""First parts of names that DataParallel and AveragedModel, torch.compile, and Lightning put before a network's own."""

AVERAGED = "n_averaged"
"""Counter that AveragedModel stores beside the network."""

COUNTER = "num_batches_tracked"
"""Buffer of batch norms that older versions of torch did not store, and that torch can do without."""

SHOWN = 8


def read_weights(source: str, architecture: str, options: Mapping[str, Any] | None = None) -> dict[str, Tensor]:
    """A state_dict from a `.safetensors` file, a file of `torch.save`, "torchvision" or "timm".

    A file of `torch.save` holds the state_dict itself, or has it under one of the keys `HOLDERS`.
    No code in the file is run (`weights_only`).

    Raises:
        UserError: the file is missing or damaged, or does not hold named tensors, or holds several networks.
    """
    if source == "torchvision":
        return torchvision_weights(architecture, options or {})
    if source == "timm":
        return timm_weights(architecture, options or {})
    path = Path(source)
    if not path.is_file():
        raise UserError(Problem("weights", source, "there is no such file", "correct the path"))
    tensors = _state_dict(_read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path), source)
    if not isinstance(tensors, Mapping) or not all(_is_plain(value) for value in tensors.values()):
        raise UserError(
            Problem("weights", source, "must hold a state_dict", "save network.state_dict() with torch.save")
        )
    return {str(name): value for name, value in tensors.items()}


def _state_dict(content: object, source: str) -> object:
    """What the file holds, or the only state_dict in it."""
    while isinstance(content, Mapping) and (keys := [key for key in HOLDERS if isinstance(content.get(key), Mapping)]):
        if len(keys) > 1:
            repair = f'save the one to take: torch.save(torch.load("{source}")["{keys[-1]}"], "weights.pt")'
            raise UserError(Problem("weights", source, f"holds several networks: {listed(keys)}", repair))
        content = content[keys[0]]
    return content


def _is_plain(value: object) -> bool:
    """Whether this is a tensor that stores every element: not sparse, not on the meta device, not expanded."""
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.is_meta:
        return False
    return value.nbytes <= value.untyped_storage().nbytes()


def _read_torch(path: Path) -> object:
    try:
        return checkpoints.read(path)
    except (OSError, ValueError) as error:
        raise UserError(
            Problem(
                "weights",
                str(path),
                f"cannot be read as tensors only: {error}",
                "save the state_dict, not the whole network: torch.save(network.state_dict(), path)",
            )
        ) from error


def _read_safetensors(path: Path) -> object:
    optional("safetensors", "safetensors")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(Problem("weights", str(path), f"is damaged: {error}", "make it again")) from error


def load_weights(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    source: str,
    new_head: str | None = None,
    options: Mapping[str, Any] | None = None,
) -> None:
    """Copy `weights` into `network`.

    What torch loads is loaded; else without what wrappers such as DataParallel have put before every name.

    Args:
        network: left as it is if an error is raised.
        weights: state_dict of such a network.
        source: where the weights are from, for error messages.
        new_head: a layer that keeps its initial values if the weights have another number of outputs, because the
            network will be trained for other classes.
        options: with which the user wants the network; torchvision's weights bring `transform_input` unless it is set.

    Raises:
        UserError: missing names, names unknown to the network, or different shapes (the error lists all of them), or
            tensors with NaN or infinity.
    """
    target = inner(network)
    own = copy.deepcopy(target.state_dict())
    for names, load in itertools.product(_without_wrappers(weights), (nn.Module.load_state_dict, load_state)):
        try:
            load(target, {**names, **_new_head(names, own, new_head)})
        except (RuntimeError, ValueError):
            load_state(target, own)
            continue
        if broken := _not_finite(target.state_dict(), own):
            load_state(target, own)
            held = f"hold NaN or infinity in {listed(broken, SHOWN)}"
            raise UserError(Problem("weights", source, held, "take the weights of a training that did not diverge"))
        if source == "torchvision" and hasattr(target, "transform_input"):
            target.transform_input = (options or {}).get("transform_input", True)
        return
    names = _most_alike(weights, own)
    raise UserError(_misfit({**names, **_new_head(names, own, new_head)}, own, source))


def stored_outputs(network: nn.Module, weights: Mapping[str, Tensor], head: str | None) -> int | None:
    """Number of outputs of the layer `head` in `weights`; None if it is not there, or takes other inputs."""
    own = inner(network).state_dict()
    name = f"{head}.weight"
    stored = _most_alike(weights, own).get(name)
    if stored is None or name not in own or stored.shape[1:] != own[name].shape[1:]:
        return None
    return len(stored)


def _without_wrappers(weights: Mapping[str, Tensor]) -> Iterator[Mapping[str, Tensor]]:
    """The weights by their names, then without the first part of each name, while all begin with the same wrapper."""
    yield weights
    named = {name: value for name, value in weights.items() if name != AVERAGED}
    for wrapper in WRAPPERS:
        if named and all(name.startswith(f"{wrapper}.") for name in named):
            yield from _without_wrappers({name.removeprefix(f"{wrapper}."): value for name, value in named.items()})


def _most_alike(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The weights with or without wrappers, whichever has more names of the network."""
    return max(_without_wrappers(weights), key=lambda names: len(names.keys() & own.keys()))


def _new_head(weights: Mapping[str, Tensor], own: Mapping[str, Tensor], head: str | None) -> dict[str, Tensor]:
    """The network's own tensors of its head that have another number of outputs in the weights."""
    return {
        name: tensor
        for name, tensor in own.items()
        if head is not None and name.startswith(f"{head}.") and name in weights
        if weights[name].shape != tensor.shape and weights[name].shape[1:] == tensor.shape[1:]
    }


def _not_finite(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> list[str]:
    """Names of tensors with NaN or infinity, except where the network itself has them, as in a mask."""
    return [name for name, value in state.items() if bool((own[name].isfinite() & ~value.isfinite()).any())]


def _misfit(weights: Mapping[str, Tensor], own: Mapping[str, Tensor], source: str) -> Problem:
    needed = [name for name in own if not name.endswith(COUNTER)]
    if (prefix := _prefix(needed, weights)) is not None:
        change = (
            f"name.removeprefix({prefix!r}): value for name, value in weights.items() if name.startswith({prefix!r})"
        )
        reason = f"they have the names of the network after the prefix {prefix}"
        repair = f"take it off: torch.save({{{change}}}, path)"
    elif (prefix := _prefix(weights, own)) is not None:
        reason = f"its names have the prefix {prefix} before those of the weights"
        repair = f"add it: torch.save({{{prefix!r} + name: value for name, value in weights.items()}}, path)"
    else:
        other = [name for name in own if name in weights and weights[name].shape != own[name].shape]
        differences = {
            "missing": [name for name in needed if name not in weights],
            "unknown to the network": [name for name in weights if name not in own],
            "of another shape": [
                f"{name} {tuple(weights[name].shape)} instead of {tuple(own[name].shape)}" for name in other
            ],
        }
        texts = [f"{label}: {listed(names, SHOWN)}" for label, names in differences.items() if names]
        reason = "; ".join(texts) or "its own function that loads weights refuses them"
        repair = "take the architecture and options these weights were made with"
    return Problem("weights", source, f"do not fit the network: {reason}", repair)


def _prefix(short: Collection[str], long: Collection[str]) -> str | None:
    """What stands before each of the names `short` in the names `long`; None if it is nothing or not one thing."""
    first = next(iter(short), None)
    prefixes = [name.removesuffix(first) for name in long if first and name.endswith(f".{first}")]
    fitting = [prefix for prefix in prefixes if {prefix + name for name in short} <= set(long)]
    return fitting[0] if len(fitting) == 1 else None
