"""Networks and weights that come with torchvision."""

from collections.abc import Mapping
from typing import Any
from urllib.error import URLError

from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError, listed, nearest
from workflow_lib.models.architectures import TORCHVISION
from workflow_lib.models.torchvision_shim import import_torchvision


def torchvision_model(architecture: str, in_channels: int, n_classes: int, options: Mapping[str, Any]) -> nn.Module:
    """Classification network `torchvision/NAME` with `n_classes` outputs; options go to torchvision.

    Raises:
        UserError: no such network (the error suggests a similar name), or images without three channels.
    """
    models = import_torchvision().models
    names = models.list_models(models)
    name = architecture.removeprefix(TORCHVISION)
    if name not in names:
        similar = nearest(name, names)
        repair = f"write {TORCHVISION}{similar}" if similar else "choose one of these"
        raise UserError(Problem("architecture", architecture, f"torchvision has: {listed(names)}", repair))
    if in_channels != 3:
        raise UserError(
            Problem(
                "architecture",
                architecture,
                f"torchvision's networks take three channels and the images have {in_channels}",
                "take small_cnn or resnet18, or wrap the network in a function of your own",
            )
        )
    network: nn.Module = models.get_model(name, weights=None, num_classes=n_classes, **options)
    return network


def torchvision_weights(architecture: str) -> dict[str, Tensor]:
    """The weights that torchvision recommends for `torchvision/NAME`, from its own cache or the network.

    Raises:
        UserError: torchvision has no weights for this architecture, or they cannot be downloaded.
    """
    if not architecture.startswith(TORCHVISION):
        raise UserError(
            Problem(
                "weights",
                "torchvision",
                f"torchvision has no weights for {architecture}",
                "name a file of weights, or an architecture torchvision/NAME",
            )
        )
    weights = import_torchvision().models.get_model_weights(architecture.removeprefix(TORCHVISION)).DEFAULT
    try:
        state: dict[str, Tensor] = weights.get_state_dict(progress=False, check_hash=True)
    except (URLError, OSError, RuntimeError) as error:
        raise UserError(
            Problem(
                "weights",
                "torchvision",
                f"{weights.url} cannot be fetched ({error})",
                "connect to the network, or fetch this file elsewhere and name it as weights",
            )
        ) from error
    return state
