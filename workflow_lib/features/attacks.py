"""Attacks on a network as transforms of its images. A sample is always attacked in the same way, in any batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from workflow_lib import seeds
from workflow_lib.attacks import Attack, pgd, sizes
from workflow_lib.errors import Problem, UserError

MOST_VALUES = 2**21
"""Pixel values in a batch: the gradient needs the outputs of all layers in memory."""

MOST_IN_BATCH = 64


@dataclass(frozen=True)
class Changed:
    """Changed images, with values of each sample by the names under which they are stored; an attack gives three.

    Attributes:
        images: (n, c, y, x) float32 in [0, 1].
        values: attack_success (n,) bool, whether the prediction is another than the output moved away from;
            attack_loss (n,) float32, the cross-entropy of that output in nats; attack_norm (n,) float32, the norm of
            the change.
    """

    images: NDArray[np.float32]
    values: dict[str, NDArray[Any]]


def apply_pgd(
    images: NDArray[np.float32],
    ids: Sequence[str],
    labels: NDArray[np.int64] | None,
    spec: Mapping[str, Any],
    network: nn.Module,
    device: str,
) -> Changed:
    """Projected gradient descent (docs/science.md 1.12). Of several restarts, the one with the highest loss is kept.

    Args:
        images: (n, c, y, x) float32 in [0, 1].
        ids: of the samples; with the seed they decide where the attack starts.
        labels: (n,) int64, the output of each sample's class; None if the outputs are not the classes.
        spec: the keys of the transform in the config.
        network: maps images in [0, 1] to logits; put into eval mode.
        device: "cpu" or "cuda".

    Raises:
        UserError: the target is the label, and the outputs are not the classes.
    """
    if spec["target"] == "label" and labels is None:
        allowed = "the outputs of the network are not the classes of the dataset, so no output belongs to a label"
        raise UserError(Problem("transforms.target", "label", allowed, "write target: prediction"))
    network.to(device).eval()
    size = max(1, min(MOST_IN_BATCH, MOST_VALUES // images[0].size))
    parts = []
    for first in range(0, len(images), size):
        # Sums in batches of one size are rounded in one way. So the last batch is filled up.
        rows = np.arange(first, first + size).clip(max=len(images) - 1)
        starts = _starts(images.shape[1:], [ids[row] for row in rows], spec).to(device)
        batch = torch.from_numpy(images[rows]).to(device)
        away_from = None if labels is None else torch.from_numpy(labels[rows]).to(device)
        found = _strongest(network, batch, away_from, starts, spec)
        parts.append([values[: len(images) - first].cpu() for values in found])
    changed, success, loss, norm = (torch.cat(values).numpy() for values in zip(*parts, strict=True))
    return Changed(changed, {"attack_success": success, "attack_loss": loss, "attack_norm": norm})


def _starts(shape: tuple[int, ...], ids: Sequence[str], spec: Mapping[str, Any]) -> Tensor:
    """Change of each image before the first step, (restarts, n, c, y, x), from the seed and the id."""
    attack = Attack.from_mapping(spec)
    drawn = [
        torch.stack([attack.start(shape, seeds.generator(spec["seed"], sample, "pgd", restart)) for sample in ids])
        for restart in range(spec["restarts"])
    ]
    return torch.stack(drawn)


def _strongest(
    network: nn.Module, images: Tensor, labels: Tensor | None, starts: Tensor, spec: Mapping[str, Any]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Of the attacks from each of `starts` the one with the highest loss: images, success, loss, norm."""
    attack = Attack.from_mapping(spec)
    if spec["target"] == "prediction" or labels is None:
        labels = _logits(network, images).argmax(1)
    best, highest = images, images.new_full((len(images),), -torch.inf)
    for start in starts:
        changed = pgd(network, images, labels, attack, start)
        loss = cross_entropy(_logits(network, changed), labels, reduction="none")
        better = ~(loss <= highest)  # true for NaN, which the extraction then reports
        best, highest = torch.where(better[:, None, None, None], changed, best), torch.where(better, loss, highest)
    success = _logits(network, best).argmax(1) != labels
    return best, success, highest, sizes(best - images, attack.norm).flatten()


def _logits(network: nn.Module, images: Tensor) -> Tensor:
    with torch.no_grad():
        logits: Tensor = network(images)
    return logits


ATTACKS: Final[Mapping[str, Callable[..., Changed]]] = {"pgd": apply_pgd}
"""Function of each kind of transform that needs the network: as `apply_pgd`."""
