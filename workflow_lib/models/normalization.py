"""Normalisation inside the network, so that images are always in [0, 1] elsewhere."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError


class Classifier(nn.Module):
    """A network that takes images in [0, 1] and returns logits.

    Layer names and stored weights are those of `network`, without this wrapper.

    Attributes:
        network: maps normalised images (n, c, y, x) to logits (n, outputs).
        mean, std: (c, 1, 1) float32, or the scalars 0 and 1 if the images are not normalised.
    """

    network: nn.Module
    mean: Tensor
    std: Tensor

    def __init__(self, network: nn.Module, mean: Tensor, std: Tensor) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("mean", mean, persistent=False)
        self.register_buffer("std", std, persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, outputs) of images (n, c, y, x) float32 in [0, 1]."""
        logits: Tensor = self.network((images - self.mean) / self.std)
        return logits


def wrap(network: nn.Module, in_channels: int, normalize: Mapping[str, Sequence[float]] | None) -> Classifier:
    """The network with normalisation (image - mean) / std per channel; None leaves images in [0, 1].

    Raises:
        UserError: the number of channels differs, or a standard deviation is not positive.
    """
    if normalize is None:
        return Classifier(network, torch.tensor(0.0), torch.tensor(1.0))
    for key in ("mean", "std"):
        if len(normalize[key]) != in_channels:
            raise UserError(
                Problem(
                    f"normalize.{key}",
                    str(list(normalize[key])),
                    f"one number per channel is needed and the images have {in_channels}",
                    f"give {in_channels} numbers",
                )
            )
    if min(normalize["std"]) <= 0:
        raise UserError(Problem("normalize.std", str(list(normalize["std"])), "must be greater than 0", "correct it"))
    mean, std = (torch.tensor(normalize[key], dtype=torch.float32)[:, None, None] for key in ("mean", "std"))
    return Classifier(network, mean, std)
