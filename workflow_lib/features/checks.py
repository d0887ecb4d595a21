"""Checks that outputs of a network are functions of the image alone: finite, repeatable, independent of the batch."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.features.extraction import Layer, extract
from workflow_lib.models.layers import OUTPUT

Outputs = Mapping[str, NDArray[np.float32]]
"""Features (n, d) by layer name, and the logits under the name LOGITS."""

LOGITS = ""
"""Name of the logits, from which the predictions follow; no layer in a config can have it."""

FEW = 32
"""Images that are passed through a network to look at its outputs."""

SAME = 1e-3
"""Largest difference, relative to the largest value, between outputs for an image in its batch and alone."""

REPEATED = 1e-5
"""Largest difference, relative to the largest value, between two equal passes; a GPU may sum in any order."""


def outputs(
    network: nn.Module, images: NDArray[np.float32], layers: Mapping[str, Layer], *, device: str = "cpu"
) -> Outputs:
    """Features and logits, in one pass over images (n, c, y, x) float32 in [0, 1], in eval mode.

    Raises:
        UserError: as `extract`, or the network fails on so many images.
    """
    try:
        (batch,) = extract(network, [images], with_logits(layers), device=device)
    except UserError as error:
        logits = f"layers.{LOGITS}"
        problems = (part._replace(where="architecture") if part.where == logits else part for part in error.problems)
        raise UserError(*problems) from error
    except MemoryError:
        raise
    except Exception as error:  # the network may be the user's own
        reason = f"fails in eval mode on a batch of {len(images)}: {type(error).__name__}: {error}"
        repair = "let the network take any number of images, as with flatten(1) in place of squeeze()"
        raise UserError(Problem("architecture", "", reason, repair)) from error
    return batch.features


def with_logits(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """The layers, and the logits under the name LOGITS."""
    return {**layers, LOGITS: Layer(OUTPUT)}


def differing(one: Outputs, other: Outputs, tolerance: float) -> list[str]:
    """Names of outputs that differ by more than `tolerance` times their largest value; NaN equals NaN."""
    return [name for name in one if not _alike(one[name], other[name], tolerance)]


def _alike(one: NDArray[np.float32], other: NDArray[np.float32], tolerance: float) -> bool:
    largest = float(np.abs(other[np.isfinite(other)]).max(initial=0))
    return np.allclose(one, other, rtol=0, atol=tolerance * largest, equal_nan=True)


def layer_problems(
    network: nn.Module, images: NDArray[np.float32], layers: Mapping[str, Layer], *, device: str = "cpu"
) -> dict[str, Sequence[Problem]]:
    """Problems of each layer that gives no features, such as one that does not exist, by layer name."""
    found: dict[str, Sequence[Problem]] = {}
    for name, layer in layers.items():
        try:
            next(extract(network, [images], {name: layer}, device=device))
        except UserError as error:
            found[name] = error.problems
    return found


def output_problems(
    network: nn.Module,
    restored: nn.Module,
    images: NDArray[np.float32],
    layers: Mapping[str, Layer],
    *,
    device: str = "cpu",
) -> list[Problem]:
    """The first problem of the outputs: not finite, random, dependent on the batch, or on what no checkpoint holds.

    Args:
        network: maps images in [0, 1] to logits.
        restored: the same network, built anew with the weights of the first.
        images: (n, c, y, x) float32 in [0, 1], n at least 2.
        layers: layers that give features, by name.
        device: "cpu" or "cuda".
    """
    together = outputs(network, images, layers, device=device)
    if broken := [name for name, values in together.items() if not np.isfinite(values).all()]:
        return [not_finite(broken)]
    if random := differing(outputs(network, images, layers, device=device), together, REPEATED):
        return [not_repeatable(random)]
    alone = outputs(network, images[:1], layers, device=device)
    if dependent := differing(alone, {name: values[:1] for name, values in together.items()}, SAME):
        return [of_batch(dependent)]
    if other := differing(outputs(restored, images, layers, device=device), together, REPEATED):
        return [not_stored(other)]
    return []


def constant(values: Outputs) -> set[str]:
    """Names of outputs that are the same for every image."""
    return {name for name, rows in values.items() if (rows == rows[:1]).all()}


def not_finite(names: Sequence[str], sample: str = "") -> Problem:
    """Outputs that contain NaN or infinity."""
    allowed = f"gives NaN or infinite values of {_words(names)} for images of the dataset"
    return Problem(_where(names), sample, allowed, "correct the network, its normalisation or its weights")


def not_repeatable(names: Sequence[str]) -> Problem:
    """Outputs that two equal passes do not share."""
    allowed = f"is random in eval mode: two passes over the same images give different values of {_words(names)}"
    repair = "make it repeatable in eval mode, as with functional.dropout(…, training=self.training)"
    return Problem(_where(names), "", allowed, repair)


def of_batch(names: Sequence[str], sample: str = "") -> Problem:
    """Outputs for an image that change with the other images of its batch."""
    allowed = f"gives values of {_words(names)} for an image that change with the images that share its batch"
    repair = "let the network treat each image by itself in eval mode, as with tracked batch statistics"
    return Problem(_where(names), sample, allowed, repair)


def not_stored(names: Sequence[str]) -> Problem:
    """Outputs that change when the network is built again with the same weights."""
    allowed = f"gives different values of {_words(names)} when it is built again and its state_dict loaded"
    repair = "keep what is drawn at random in parameters or persistent buffers (register_buffer)"
    return Problem(_where(names), "", allowed, repair)


def not_varied(names: Sequence[str]) -> Problem:
    """Outputs that are the same for every image, also after the training steps of a check."""
    allowed = f"gives the same values of {_words(names)} for different images"
    return Problem(_where(names), "", allowed, "name a layer that depends on the image, or correct the network")


def _where(names: Sequence[str]) -> str:
    """Config key of outputs: that of the network if the logits are among them."""
    return "architecture" if LOGITS in names else f"layers.{names[0]}"


def _words(names: Sequence[str]) -> str:
    """The outputs by name, such as "the logits, layer early, layer late"."""
    return listed("the logits" if name == LOGITS else f"layer {name}" for name in sorted(names))
