"""Which form of training is the fastest: one network after the other, or a stack of them at once.

On a CPU the answer follows from measurements (docs/benchmarks/confusion.md): a stack saves the cost of calling kernels,
which counts where a batch is little work; where it is much, a single network keeps the processor busy, and its tensors
fit into the caches. The choice is a function of network, image size, batch size and kind of device, so that equal
settings give equal bytes.
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
"""Environment variable that names a form, whatever would be faster."""

MOST_WORK = 70e6
"""Multiplications of one forward pass of a batch up to which a stack is faster on a CPU."""


def choose(network: nn.Module, image_shape: Sequence[int], batch_size: int, device: str) -> tuple[Form, str]:
    """The form of training, and why, in words for a log.

    Args:
        network: any of the replicates.
        image_shape: (c, y, x).
        batch_size: images in a batch.
        device: "cpu" or "cuda".

    Raises:
        UserError: the environment asks for a form that there is not.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "loop", "batched"):
        raise UserError(Problem(VARIABLE, wanted, "must be loop or batched", f"unset {VARIABLE}"))
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
    """Multiplications by weights in a forward pass of one image through a chain of layers."""
    total, values = 0, torch.zeros(1, *image_shape)
    with torch.no_grad():
        for layer in layers:
            values = layer(values)
            if isinstance(layer, nn.Conv2d | nn.Linear):
                total += layer.weight.numel() * values[0, 0].numel()  # each weight meets every position of the output
    return total
