"""Build classifiers by name (`models.architectures`), with initial weights that depend only on a seed."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from workflow_lib.errors import Problem, UserError, listed, write_nearest
from workflow_lib.models.architectures import ARCHITECTURES, TIMM, TORCHVISION, wrong_options
from workflow_lib.models.normalization import Classifier, wrap
from workflow_lib.models.timm_models import timm_model
from workflow_lib.models.torchvision_models import torchvision_model
from workflow_lib.user_code import call


def build(
    architecture: str,
    *,
    in_channels: int,
    image_size: tuple[int, int],
    n_classes: int,
    seed: int,
    options: Mapping[str, Any] | None = None,
    normalize: Mapping[str, Sequence[float]] | None = None,
) -> Classifier:
    """A classifier on the CPU; its initial weights depend only on the arguments.

    Args:
        architecture: a name of ARCHITECTURES, torchvision/NAME, timm/NAME, or module:function.
        in_channels: channels of the images.
        image_size: (y, x) in pixels.
        n_classes: number of logits.
        seed: seed of the initial weights; the global generator of torch is not changed.
        options: other keyword arguments of the architecture, such as `width` of small_cnn.
        normalize: {"mean": […], "std": […]} per channel of images in [0, 1], or None.

    Raises:
        UserError: unknown architecture or option, normalisation for another number of channels, a user function that
            fails, or a network that fails on such images or returns a shape other than (n, n_classes).
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        network = _network(architecture, in_channels, image_size, n_classes, options or {})
        classifier = wrap(network, in_channels, normalize)
        _try_out(classifier, architecture, (in_channels, *image_size), n_classes)
    return classifier


def _network(
    architecture: str,
    in_channels: int,
    image_size: tuple[int, int],
    n_classes: int,
    options: Mapping[str, Any],
) -> nn.Module:
    if ":" in architecture:
        return _user_model(architecture, in_channels, image_size, n_classes, options)
    if architecture.startswith(TORCHVISION):
        return torchvision_model(architecture, in_channels, n_classes, options)
    if architecture.startswith(TIMM):
        return timm_model(architecture, in_channels, n_classes, options)
    if architecture not in ARCHITECTURES:
        names = [*ARCHITECTURES, f"{TORCHVISION}NAME", f"{TIMM}NAME", "module:function"]
        allowed = f"must be one of {listed(names)}"
        raise UserError(Problem("architecture", architecture, allowed, write_nearest(architecture, names)))
    if problems := wrong_options("options", architecture, options):
        raise UserError(*problems)
    return ARCHITECTURES[architecture].build(in_channels, image_size, n_classes, options)


def _user_model(
    reference: str, in_channels: int, image_size: tuple[int, int], n_classes: int, options: Mapping[str, Any]
) -> nn.Module:
    shape = {"in_channels": in_channels, "image_size": image_size, "n_classes": n_classes}
    network = call(reference, {**shape, **options}, "architecture")
    if not isinstance(network, nn.Module):
        found = f"must return a torch.nn.Module, not {type(network).__name__}"
        raise UserError(Problem("architecture", reference, found, "correct the function"))
    return network


def _try_out(network: Classifier, architecture: str, shape: tuple[int, ...], n_classes: int) -> None:
    """Run the network on two grey images, so that a mismatch fails here and not during training.

    Lazy layers get their sizes. Not in inference mode: tensors made in it cannot be trained.
    """
    network.eval()
    try:
        with torch.no_grad():
            logits = network(torch.full((2, *shape), 0.5))
    except (Exception, SystemExit) as error:
        raise UserError(
            Problem(
                "architecture",
                architecture,
                f"fails on images of shape {shape}: {type(error).__name__}: {error}",
                "take an architecture for images of this size and number of channels",
            )
        ) from error
    finally:
        network.train()
    if not isinstance(logits, torch.Tensor):
        reason = f"must return one tensor of logits in eval mode, not {type(logits).__name__}"
        raise UserError(Problem("architecture", architecture, reason, "return the logits alone"))
    if (found := tuple(logits.shape)) != (2, n_classes):
        raise UserError(
            Problem(
                "architecture",
                architecture,
                f"must return logits of shape (2, {n_classes}) for two images and {n_classes} classes, not {found}",
                "correct the number of outputs",
            )
        )
    tensors = itertools.chain(network.network.named_parameters(), network.network.named_buffers())
    if without_size := [name for name, tensor in tensors if is_lazy(tensor)]:
        reason = f"lazy layers that are not reached get no size: {listed(without_size, 8)}"
        raise UserError(Problem("architecture", architecture, reason, "give these layers their sizes, or remove them"))
