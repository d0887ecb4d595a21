"""Table of the networks of this project, by the name in the config.

The config checks names, options and layers with this table, so nothing heavy is imported here. The code of a network is
imported when it is built.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workflow_lib.errors import Problem, listed, write_nearest, yaml_text

if TYPE_CHECKING:
    from torch import nn

TORCHVISION: Final = "torchvision/"
"""Prefix of the names of torchvision's networks."""
TIMM: Final = "timm/"
"""Prefix of the names of timm's networks."""


@dataclass(frozen=True)
class Architecture:
    """One network.

    Attributes:
        build: (channels of the images, their (y, x), number of classes, options by name) -> network.
        blocks: names of its outermost modules, and logits for the output.
        options: names of its other keyword arguments.
    """

    build: "Callable[[int, tuple[int, int], int, Mapping[str, Any]], nn.Module]"
    blocks: tuple[str, ...]
    options: tuple[str, ...] = ()


def _small_cnn(channels: int, size: tuple[int, int], n_classes: int, options: Mapping[str, Any]) -> "nn.Module":
    from workflow_lib.models.small_cnn import SmallCNN

    return SmallCNN(channels, size, n_classes, **options)


def _resnet18(channels: int, size: tuple[int, int], n_classes: int, options: Mapping[str, Any]) -> "nn.Module":
    from workflow_lib.models.resnet18 import resnet18

    return resnet18(channels, n_classes, **options)


def _mlp(channels: int, size: tuple[int, int], n_classes: int, options: Mapping[str, Any]) -> "nn.Module":
    from workflow_lib.models.mlp import mlp

    return mlp(channels, size, n_classes, **options)


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "small_cnn": Architecture(
        _small_cnn, ("conv1", "conv2", "conv3", "flatten", "dense1", "logits"), options=("width", "hidden")
    ),
    "resnet18": Architecture(
        _resnet18,
        ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc", "logits"),
        options=("width",),
    ),
    "mlp": Architecture(_mlp, ("input", "hidden", "logits"), options=("hidden",)),
}


def wrong_options(where: str, architecture: str, options: Mapping[str, Any]) -> list[Problem]:
    """A problem for each unknown option of a network of this project, at its key inside `where`."""
    known = ARCHITECTURES[architecture].options
    return [
        Problem(
            f"{where}.{key}",
            str(value),
            f"{architecture} takes {listed(known)}",
            write_nearest(key, known, "choose one of these"),
        )
        for key, value in options.items()
        if key not in known
    ]


def unfit_options(library: str, name: str, options: Mapping[str, Any], error: Exception) -> Problem:
    """Options with which another library cannot make its network `name`, at their key within the model."""
    reason = f"{library} cannot make {name} with these options: {type(error).__name__}: {error}"
    return Problem("options", yaml_text(dict(options)), reason, "correct or remove them")
