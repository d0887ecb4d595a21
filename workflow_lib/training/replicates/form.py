"""Choose the fastest form of training: one network after another, or a stack of networks at the same time.

On a CPU the choice is based on measurements (docs/benchmarks/confusion.md). A stack saves the overhead of kernel calls,
which matters if a batch is little work. If it is much work, a single network keeps the CPU busy and its tensors fit
into the caches. The choice depends only on network, image size, batch size and type of device, so that equal settings
give equal bytes.
"""

import os
from collections.abc import Sequence
from typing import Literal

import torch
from torch import nn

from workflow_lib.errors import Problem, UserError
from workflow_lib.training.replicates.chain import chain

Form = Literal["loop", "batched"]

VARIABLE = "LATENT_ATLAS_REPLICATES"
"""Environment variable that sets the form, even if the other one would be faster."""

MOST_WORK = 70e6
"""A stack is faster on a CPU up to this number of multiplications per forward pass of a batch."""


def choose(
    network: nn.Module, image_shape: Sequence[int], batch_size: int, device: str, *, adversarial: bool = False
) -> tuple[Form, str]:
    """The form of training, and the reason as text for a log.

    Args:
        network: any of the replicates.
        image_shape: (c, y, x).
        batch_size: images in a batch.
        device: "cpu" or "cuda".
        adversarial: whether each batch is attacked, for which there is no stack.

    Raises:
        UserError: the environment variable names an unknown form.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "loop", "batched"):
        raise UserError(Problem(VARIABLE, wanted, "must be loop or batched", f"unset {VARIABLE}"))
    if adversarial:
        return "loop", "the training is adversarial"
    layers = chain(network)
    if layers is None:
        return "loop", "the network is no chain of convolutions, pools, ReLU and linear layers"
    if wanted == "loop":
        return "loop", f"{VARIABLE}={wanted}"
    if wanted == "batched":
        return "batched", f"{VARIABLE}={wanted}"
    if device == "cuda":
        return "batched", "one network would leave a GPU idle"
    work = batch_size * multiplications(layers, image_shape)
    comparison = "at most" if work <= MOST_WORK else "more than"
    reason = f"a batch takes {work / 1e6:.0f} million multiplications, {comparison} {MOST_WORK / 1e6:.0f}"
    return "batched" if work <= MOST_WORK else "loop", reason


def multiplications(layers: Sequence[nn.Module], image_shape: Sequence[int]) -> int:
    """Number of multiplications by weights in a forward pass of one image through a chain of layers."""
    total, values = 0, torch.zeros(1, *image_shape)
    with torch.no_grad():
        for layer in layers:
            values = layer(values)
            if isinstance(layer, nn.Conv2d | nn.Linear):
                total += layer.weight.numel() * values[0, 0].numel()  # each weight meets each output position
    return total
