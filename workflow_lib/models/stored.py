"""Describe a network in a checkpoint, and build it again from there."""

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_lib import seeds
from workflow_lib.models.layers import load_state
from workflow_lib.models.normalization import Classifier
from workflow_lib.models.registry import build
from workflow_lib.models.torchvision_models import pretrained_options

MADE_FROM = ("architecture", "options", "normalize")
"""Settings of a model that its network is built from."""


def new_network(
    spec: Mapping[str, Any], image_shape: Sequence[int], outputs: int, lineage: Sequence[object]
) -> Classifier:
    """An untrained network.

    Args:
        spec: architecture, options, normalize; weights, if the options are to be those of torchvision's weights.
        image_shape: (channels, y, x).
        outputs: number of logits.
        lineage: names from which the initial weights are derived, such as model and seed.
    """
    channels, height, width = image_shape
    return build(
        spec["architecture"],
        in_channels=channels,
        image_size=(height, width),
        n_classes=outputs,
        options=_options(spec),
        normalize=spec["normalize"],
        seed=seeds.derive(*lineage, "weights"),
    )


def describe(
    spec: Mapping[str, Any], image_shape: Sequence[int], outputs: int, classes: Sequence[str] | None = None
) -> dict[str, Any]:
    """Content of a checkpoint besides the weights: architecture, options, normalize, image_shape, outputs, classes.

    `classes` are the names of the outputs in their order, or None if they are not known.
    """
    made_from = {**{key: spec[key] for key in MADE_FROM}, "options": _options(spec)}
    names = None if classes is None else list(classes)
    return {**made_from, "image_shape": list(image_shape), "outputs": outputs, "classes": names}


def _options(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a model; those that belong to torchvision's weights hold unless the model sets them."""
    weights = spec.get("weights")  # those of another model are no text, and `with_weights` knows their options
    implied = pretrained_options(spec["architecture"], weights) if isinstance(weights, str) else {}
    return {**implied, **spec["options"]}


def restore(checkpoint: Mapping[str, Any]) -> Classifier:
    """The network of a checkpoint (`io.checkpoints.load`) with its weights, in eval mode, on the CPU."""
    network = new_network(checkpoint, checkpoint["image_shape"], checkpoint["outputs"], ("", 0))
    load_state(network, checkpoint["network"])
    return network.eval()
