"""Projected gradient descent on images: the attack of docs/science.md 1.12, for transforms and for training."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from workflow_lib.errors import Problem, UserError

REACH = 2.5
"""Without a step, all steps together are so many times as long as epsilon (Madry et al. 2017)."""


@dataclass(frozen=True)
class Attack:
    """How images are attacked.

    Attributes:
        norm: "linf" | "l2", in which the change of an image is measured.
        epsilon: largest norm of the change, for images in [0, 1].
        step: norm of one step.
        steps: number of steps.
        random_start: start at a random point of the ball instead of the image.
    """

    norm: str
    epsilon: float
    step: float
    steps: int
    random_start: bool

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """An attack from its keys in the config, where `step` may be None or missing."""
        step = mapping.get("step") or REACH * mapping["epsilon"] / mapping["steps"]
        return cls(mapping["norm"], mapping["epsilon"], step, mapping["steps"], mapping["random_start"])

    def start(self, shape: tuple[int, ...], rng: np.random.Generator) -> Tensor:
        """Change (shape) float32 of an image before the first step: uniform in the ball, or zero."""
        if not self.random_start:
            return torch.zeros(shape)
        if self.norm == "linf":
            return torch.from_numpy(rng.uniform(-self.epsilon, self.epsilon, shape).astype(np.float32))
        direction = rng.standard_normal(shape)
        radius = self.epsilon * rng.random() ** (1 / direction.size)
        return torch.from_numpy((radius * direction / np.linalg.norm(direction)).astype(np.float32))


def pgd(network: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor, attack: Attack, starts: Tensor) -> Tensor:
    """Images near the given ones for which the cross-entropy of `labels` is high.

    Each step follows the gradient of a sample's own loss (its sign for linf, its direction for l2), and returns to the
    ball around the image and to [0, 1].

    Args:
        network: maps images in [0, 1] to logits; in eval mode, or the samples of a batch depend on one another.
        images: (n, c, y, x) float32 in [0, 1].
        labels: (n,) int64, the outputs to move away from.
        attack: settings.
        starts: (n, c, y, x), the change of each image before the first step.

    Returns:
        (n, c, y, x) float32 in [0, 1], at most `attack.epsilon` from the images.

    Raises:
        UserError: the logits have no gradient with respect to the images.
    """
    changed = _near(images + starts, images, attack)
    for _ in range(attack.steps):
        with torch.enable_grad():
            changed.requires_grad_()
            loss = cross_entropy(network(changed), labels, reduction="sum")
            gradient = torch.autograd.grad(loss, changed, allow_unused=True)[0] if loss.requires_grad else None
        if gradient is None:
            allowed = "gives logits without a gradient with respect to the images, which an attack follows"
            raise UserError(Problem("architecture", "", allowed, "correct the network, or do not attack it"))
        changed = _near(changed.detach() + attack.step * _direction(gradient, attack.norm), images, attack)
    return changed


def sizes(changes: Tensor, norm: str) -> Tensor:
    """Norm (n, 1, 1, 1) of each change (n, c, y, x)."""
    if norm == "linf":
        return changes.abs().amax((1, 2, 3), keepdim=True)
    return changes.square().sum((1, 2, 3), keepdim=True).sqrt()


def _direction(gradient: Tensor, norm: str) -> Tensor:
    """The step of norm 1 that raises the loss most; zero where the gradient vanishes."""
    if norm == "linf":
        return gradient.sign()
    tiny = torch.finfo(gradient.dtype).tiny
    gradient = gradient / sizes(gradient, "linf").clamp_min(tiny)  # squares of small numbers would be zero
    return gradient / sizes(gradient, norm).clamp_min(tiny)


def _near(changed: Tensor, images: Tensor, attack: Attack) -> Tensor:
    """The nearest point in the ball around each image, then in [0, 1]; the second does not leave the ball."""
    change = changed - images
    if attack.norm == "linf":
        change = change.clamp(-attack.epsilon, attack.epsilon)
    else:
        change = change * (attack.epsilon / sizes(change, attack.norm).clamp_min(attack.epsilon))
    return (images + change).clamp(0, 1)
