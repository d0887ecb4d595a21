"""Networks of this project by the name that users write, and what is known of each before it is built.

Nothing heavy is imported here: the config checks names, options and layers with this table. The code of a network is
imported where it is built.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workflow_lib.errors import Problem, listed, write_nearest

if TYPE_CHECKING:
    from torch import nn

TORCHVISION: Final = "torchvision/"
"""How the names of torchvision's networks begin."""


@dataclass(frozen=True)
class Architecture:
    """One network.

    Attributes:
        build: (channels of the images, their (y, x), number of classes, options by name) -> network.
        blocks: names of its outermost modules, and logits for the output.
        options: keyword arguments that it takes besides.
    """

    build: "Callable[[int, tuple[int, int], int, Mapping[str, Any]], nn.Module]"
    blocks: tuple[str, ...]
    options: tuple[str, ...] = ()


def _small_cnn(channels: int, size: tuple[int, int], n_classes: int, options: Mapping[str, Any]) -> "nn.Module":
    from workflow_lib.models.small_cnn import SmallCNN

    return SmallCNN(channels, size, n_classes, **options)


def _resnet18(channels: int, size: tuple[int, int], n_classes: int, options: Mapping[str, Any]) -> "nn.Module":
    from workflow_lib.models.resnet18 import resnet18

    return resnet18(channels, n_classes)


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "small_cnn": Architecture(
        _small_cnn, ("conv1", "conv2", "conv3", "flatten", "dense1", "logits"), options=("width", "hidden")
    ),
    "resnet18": Architecture(
        _resnet18,
        ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4", "avgpool", "fc", "logits"),
    ),
}


def wrong_options(where: str, architecture: str, options: Mapping[str, Any]) -> list[Problem]:
    """A problem for each option that a network of this project does not take, at its key below `where`."""
    known = ARCHITECTURES[architecture].options
    return [
        Problem(
            f"{where}.{key}",
            str(value),
            f"{architecture} takes {listed(known) if known else 'no options'}",
            write_nearest(key, known, "choose one of these" if known else "remove it"),
        )
        for key, value in options.items()
        if key not in known
    ]
