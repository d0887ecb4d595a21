"""Optimisers, learning rates and settings of a training."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from workflow_lib.attacks import Attack
from workflow_lib.training.augmentation import Augmentation

WARM_UP = 0.3
"""Share of the steps in which the learning rate of `onecycle` rises."""


@dataclass(frozen=True)
class Settings:
    """How a network is trained; `from_mapping` makes one from the configuration.

    Attributes:
        epochs: of the full training; the schedule of the learning rate spans all of them.
        batch_size: most samples in a batch; the batches of an epoch differ by at most one sample.
        lr: highest learning rate of the schedule.
        optimizer: sgd | adam | adamw.
        momentum, nesterov: of sgd.
        weight_decay: L2 penalty (sgd, adam) or decoupled decay (adamw).
        schedule: constant | cosine | onecycle.
        label_smoothing: share of the target spread evenly over all classes, in [0, 1).
        augmentation: how images are changed at random.
        adversarial: attack that each batch goes through before the step, towards a higher loss of its labels; or None.
        precision: float32 | tf32 | bfloat16, of the network's products.
    """

    epochs: int
    batch_size: int
    lr: float
    optimizer: str = "adam"
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    schedule: str = "constant"
    label_smoothing: float = 0.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    adversarial: Attack | None = None
    precision: str = "float32"

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> "Settings":
        """Settings from plain values, `augmentation` and `adversarial` being mappings or None."""
        attack = mapping.get("adversarial")
        parts = {
            "augmentation": Augmentation(**mapping.get("augmentation") or {}),
            "adversarial": Attack.from_mapping(attack) if attack else None,
        }
        return cls(**{**mapping, **parts})


def learning_rate(settings: Settings, step: int, total: int) -> float:
    """Learning rate of batch `step` (from 0) out of `total` in the full training.

    constant: lr. cosine: from lr down to 0 along half a cosine (Loshchilov & Hutter 2017, without restarts).
    onecycle: linearly up to lr in the first 30 % of the steps, then down to 0 along half a cosine
    (after Smith & Topin 2018; momentum is constant).
    """
    if settings.schedule == "constant":
        return settings.lr
    rising = round(WARM_UP * total) if settings.schedule == "onecycle" else 0
    if step < rising:
        return settings.lr * (step + 1) / rising
    return settings.lr * 0.5 * (1 + math.cos(math.pi * (step - rising) / (total - rising)))


def make_optimizer(settings: Settings, network: nn.Module) -> torch.optim.Optimizer:
    """The optimiser, in its fused form, of all parameters that require a gradient."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    common: dict[str, Any] = {"lr": settings.lr, "weight_decay": settings.weight_decay, "fused": True}
    if settings.optimizer == "sgd":
        return torch.optim.SGD(parameters, momentum=settings.momentum, nesterov=settings.nesterov, **common)
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, **common)
    return torch.optim.AdamW(parameters, **common)


def restore_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Load a stored state, with each tensor in the memory format of its parameter.

    A checkpoint stores contiguous tensors. The fused kernels read a parameter and its moments in the same memory
    order, so moments in another format than a channels-last parameter would be mixed up.
    """
    optimizer.load_state_dict(dict(state))
    for parameter, moments in optimizer.state.items():
        for name, value in moments.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape:
                moments[name] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)
