"""Describe a network in a checkpoint, and build it again from there."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workflow_lib import seeds
from workflow_lib.models.architectures import TIMM, TORCHVISION
from workflow_lib.models.layers import load_state
from workflow_lib.models.normalization import Classifier
from workflow_lib.models.pretrained import Pretrained
from workflow_lib.models.registry import build
from workflow_lib.models.timm_models import timm_pretrained
from workflow_lib.models.torchvision_models import torchvision_pretrained


def new_network(
    spec: Mapping[str, Any], image_shape: Sequence[int], outputs: int, lineage: Sequence[object]
) -> Classifier:
    """An untrained network.

    Args:
        spec: architecture, options, normalize; weights, if options and normalisation are to be those of the weights.
        image_shape: (channels, y, x).
        outputs: number of logits.
        lineage: names from which the initial weights are derived, such as model and seed.
    """
    channels, height, width = image_shape
    return build(
        **made_from(spec),
        in_channels=channels,
        image_size=(height, width),
        n_classes=outputs,
        seed=seeds.derive(*lineage, "weights"),
    )


def describe(
    spec: Mapping[str, Any], image_shape: Sequence[int], outputs: int, classes: Sequence[str] | None = None
) -> dict[str, Any]:
    """Content of a checkpoint besides the weights: architecture, options, normalize, image_shape, outputs, classes.

    `classes` are the names of the outputs in their order, or None if they are not known.
    """
    names = None if classes is None else list(classes)
    return {**made_from(spec), "image_shape": list(image_shape), "outputs": outputs, "classes": names}


def made_from(spec: Mapping[str, Any]) -> dict[str, Any]:
    """architecture, options and normalize (None: images stay in [0, 1]) of a model or a checkpoint.

    Options and normalisation that belong to published weights hold unless the model sets them.
    """
    weights = spec.get("weights")  # text, unless another model trains them: see `initial.with_weights`
    own = pretrained(spec["architecture"], weights) if isinstance(weights, str) else None
    return {
        "architecture": spec["architecture"],
        "options": {**(own.options if own else {}), **spec["options"]},
        "normalize": own.normalize if own and spec["normalize"] is None else spec["normalize"],
    }


def remarks(spec: Mapping[str, Any], image_shape: Sequence[int]) -> Iterator[str]:
    """What may be unintended: images of another size than the weights were made for, or not normalised."""
    if not isinstance(spec["weights"], str):
        return
    own = pretrained(spec["architecture"], spec["weights"])
    if own and own.image_size != tuple(image_shape[1:]):
        height, width = image_shape[1:]
        preset = f"resize: {own.resize}, crop: {own.image_size[0]}, interpolation: {own.interpolation}"
        sizes = f"images of {height} x {width} pixels, and weights made for {own.image_size[0]} x {own.image_size[1]}"
        yield f"{sizes}; an imagefolder prepares them with {preset}"
    if own is None and spec["normalize"] is None:
        yield f"how images were normalised for {spec['weights']} is not known; without normalize they stay in [0, 1]"


def pretrained(architecture: str, weights: str) -> Pretrained | None:
    """What published weights were made with; None for weights of unknown origin."""
    if architecture.startswith(TORCHVISION):
        return torchvision_pretrained(architecture, weights)
    return timm_pretrained(architecture, weights) if architecture.startswith(TIMM) else None


def restore(checkpoint: Mapping[str, Any]) -> Classifier:
    """The network of a checkpoint (`io.checkpoints.load`) with its weights, in eval mode, on the CPU."""
    network = new_network(checkpoint, checkpoint["image_shape"], checkpoint["outputs"], ("", 0))
    load_state(network, checkpoint["network"])
    return network.eval()
