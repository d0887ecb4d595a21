"""The nearest adversarial images: DeepFool in the Euclidean norm (Moosavi-Dezfooli et al. 2016; docs/science.md 2.8).

Each step goes to the nearest boundary of the image's class, as if the network were linear. It stops as soon as the
network prefers another class.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from workflow_lib.prototypes.batches import default_batch
from workflow_lib.prototypes.frozen import Frozen

STEPS = 50
"""Most steps."""

OVERSHOOT = 0.02
"""Share of the way to the boundary by which the image goes beyond it."""

LEAST_LENGTH, BEYOND = 1e-8, 1e-4
"""Added to the length of a gradient, which can be zero, and to each distance; as in foolbox."""


@dataclass(frozen=True)
class Adversarial:
    """The nearest adversarial image of each image, one row each.

    Attributes:
        image: float32 (m, c, y, x) in [0, 1]; NaN if none was found.
        features: float32 (m, d); NaN if none was found.
        norm: float32 (m,), Euclidean length of the change; NaN if none was found.
        steps: int64 (m,), number of steps made; 0 if the network takes the image itself for another class.
        predicted: int64 (m,), class with the highest logit at the end.
        found: bool (m,), whether steps led to another class.
    """

    image: np.ndarray
    features: np.ndarray
    norm: np.ndarray
    steps: np.ndarray
    predicted: np.ndarray
    found: np.ndarray


def deepfool(
    network: Frozen, images: np.ndarray, classes: np.ndarray, *, batch: int | None = None, device: str = "cpu"
) -> Adversarial:
    """Move images away from their classes, to the nearest of all other classes.

    Args:
        network: from `frozen`, on the device.
        images: (m, c, y, x) float32 in [0, 1].
        classes: (m,) int64.
        batch: most images at once, which affects results only by rounding; None: `default_batch`.
        device: "cpu" or "cuda".
    """
    size = batch or default_batch(network, device)
    parts = [
        _move(network, *(torch.from_numpy(rows[begin : begin + size]).to(device) for rows in (images, classes)))
        for begin in range(0, len(images), size)
    ]
    moved, features, steps, predicted = (torch.cat(rows).cpu().numpy() for rows in zip(*parts, strict=True))
    found = (predicted != classes) & (steps > 0)
    norm = np.linalg.norm((moved - images).reshape(len(images), -1), axis=1)
    moved[~found] = features[~found] = norm[~found] = np.nan
    return Adversarial(moved, features, norm, steps, predicted, found)


def _move(network: Frozen, start: Tensor, classes: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Images, features, numbers of steps and predicted classes of a batch at the end."""
    image, change = start.clone(), torch.zeros_like(start)
    features = start.new_empty(len(start), network.width)
    steps, predicted = torch.zeros_like(classes), torch.empty_like(classes)
    left = torch.arange(len(start), device=start.device)
    limit = STEPS if network.outputs > 1 else 0
    for step in range(limit + 1):
        with torch.enable_grad():
            images = image[left].contiguous(memory_format=network.memory_format).requires_grad_()
            logits, features[left] = network(images)
            predicted[left] = logits.argmax(1)
            staying = predicted[left] == classes[left]
            if step == limit or not staying.any():
                break
            distance, direction = _nearest_boundary(logits, images, classes[left])
        left = left[staying]
        change[left] += (_column(distance + BEYOND, direction) * direction)[staying]
        image[left] = (start[left] + (1 + OVERSHOOT) * change[left]).clamp(0, 1)
        steps[left] += 1
    return image, features, steps, predicted


def _nearest_boundary(logits: Tensor, images: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Distance (b,) and direction (b, c, y, x) to the nearest class in the network linearised at the images."""
    rows, n = torch.arange(len(classes), device=classes.device), logits.shape[1]
    nearest, direction = torch.full_like(logits[:, 0], torch.inf), torch.zeros_like(images)
    for offset in range(1, n):
        behind = logits[rows, classes] - logits[rows, (classes + offset) % n]
        (gradient,) = torch.autograd.grad(-behind.sum(), images, retain_graph=True)
        length = torch.linalg.vector_norm(gradient, dim=tuple(range(1, images.ndim))) + LEAST_LENGTH
        distance = behind.detach().abs() / length
        nearer = distance < nearest
        nearest = distance.where(nearer, nearest)
        direction = torch.where(_column(nearer, images), gradient / _column(length, images), direction)
    return nearest, direction


def _column(values: Tensor, images: Tensor) -> Tensor:
    """(b,) -> (b, 1, …, 1), to broadcast against images."""
    return values.view(-1, *[1] * (images.ndim - 1))
