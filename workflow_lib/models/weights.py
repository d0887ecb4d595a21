"""Load weights from a file into a network: all of them or none."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError
from workflow_lib.io import checkpoints
from workflow_lib.models.layers import head_name, inner
from workflow_lib.models.torchvision_models import torchvision_weights

WRAPPERS = ("network", "state_dict", "model")
"""Keys of the state_dict in checkpoints of this project and of others."""

SHOWN = 8


def read_weights(source: str, architecture: str) -> dict[str, Tensor]:
    """A state_dict from a `.safetensors` file, a file of `torch.save`, or "torchvision".

    A file of `torch.save` holds the state_dict itself, or has it under the key `network`, `state_dict` or `model`.
    No code in the file is run (`weights_only`).

    Raises:
        UserError: the file is missing or damaged, or does not hold named tensors.
    """
    if source == "torchvision":
        return torchvision_weights(architecture)
    path = Path(source)
    if not path.is_file():
        raise UserError(Problem("weights", source, "there is no such file", "correct the path"))
    tensors = _read_safetensors(path) if path.suffix == ".safetensors" else _read_torch(path)
    for key in WRAPPERS:
        if isinstance(tensors, Mapping) and isinstance(tensors.get(key), Mapping):
            tensors = tensors[key]
    if not isinstance(tensors, Mapping) or not all(_is_plain(value) for value in tensors.values()):
        raise UserError(
            Problem("weights", source, "must hold a state_dict", "save network.state_dict() with torch.save")
        )
    return {str(name).removeprefix("module."): value for name, value in tensors.items()}


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
    if find_spec("safetensors") is None:
        raise UserError(
            Problem("weights", str(path), "the package safetensors is not installed", "pip install safetensors")
        )
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(Problem("weights", str(path), f"is damaged: {error}", "make it again")) from error


def load_weights(network: nn.Module, weights: Mapping[str, Tensor], source: str, keep_head: bool = False) -> None:
    """Copy `weights` into `network`.

    With `keep_head` the last linear layer keeps its initial values if the weights have another number of outputs,
    because the network will be trained for other classes.

    Raises:
        UserError: missing names, names unknown to the network, or different shapes; the error lists all of them.
    """
    target = inner(network)
    own = target.state_dict()
    weights = dict(weights)
    if keep_head and (head := head_name(target)) is not None:
        for name in (f"{head}.weight", f"{head}.bias"):
            if name in own and name in weights and own[name].shape != weights[name].shape:
                weights[name] = own[name]
    problems = [
        *_listed("missing", [name for name in own if name not in weights]),
        *_listed("unknown to the network", [name for name in weights if name not in own]),
        *_listed(
            "of another shape",
            [
                f"{name} {tuple(weights[name].shape)} instead of {tuple(tensor.shape)}"
                for name, tensor in own.items()
                if name in weights and weights[name].shape != tensor.shape
            ],
        ),
    ]
    if problems:
        raise UserError(
            Problem(
                "weights",
                source,
                "do not fit the network: " + "; ".join(problems),
                "take the architecture and options these weights were made with",
            )
        )
    target.load_state_dict(weights)


def _listed(label: str, names: list[str]) -> list[str]:
    if not names:
        return []
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return [f"{label}: {', '.join(names[:SHOWN])}{more}"]


def stored_outputs(network: nn.Module, weights: Mapping[str, Tensor]) -> int | None:
    """Number of outputs of `weights`; None if they do not contain the last layer."""
    head = weights.get(f"{head_name(network)}.weight")
    return None if head is None else int(head.shape[0])
