"""Networks before training, and networks whose weights are only loaded."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_lib.io import checkpoints
from workflow_lib.models.layers import head_name
from workflow_lib.models.normalization import Classifier
from workflow_lib.models.stored import new_network
from workflow_lib.models.weights import load_weights, read_weights, stored_outputs


def with_weights(spec: Mapping[str, Any], checkpoint: Path | None) -> Mapping[str, Any]:
    """The spec of a network whose weights are those of a checkpoint, with the options and normalisation in it.

    Args:
        spec: architecture, options, normalize, weights.
        checkpoint: of another model, with this architecture; None leaves the spec as it is.
    """
    if checkpoint is None:
        return spec
    stored = checkpoints.load(checkpoint)
    return {**spec, "weights": str(checkpoint), "options": stored["options"], "normalize": stored["normalize"]}


def initial_network(
    spec: Mapping[str, Any], image_shape: Sequence[int], outputs: int, lineage: Sequence[object]
) -> Classifier:
    """A network with weights derived from a lineage, or loaded.

    Args:
        spec: architecture, options, normalize, and weights: a file, "torchvision", "timm", or None.
        image_shape: (channels, y, x).
        outputs: number of logits; if the loaded layer of the logits has another number, a new one is used.
        lineage: names from which new weights are derived, such as model and seed.

    Raises:
        UserError: the weights cannot be read or do not fit.
    """
    network = new_network(spec, image_shape, outputs, lineage)
    if (source := spec["weights"]) is not None:
        weights = read_weights(source, spec["architecture"], spec["options"])
        load_weights(network, weights, source, new_head=head_name(network, image_shape), options=spec["options"])
    return network


def loaded_network(
    spec: Mapping[str, Any], image_shape: Sequence[int], classes: int, lineage: Sequence[object]
) -> tuple[Classifier, int]:
    """A network with all its weights loaded, and its number of logits.

    The network keeps the number of logits that its weights were made for, also where the dataset has another number of
    classes: an untrained last layer would say nothing.

    Args:
        spec: as for `initial_network`; weights must not be None.
        image_shape: (channels, y, x).
        classes: number of logits, unless the weights have another one.
        lineage: as for `initial_network`.

    Raises:
        UserError: the weights cannot be read or do not fit.
    """
    network = new_network(spec, image_shape, classes, lineage)
    weights = read_weights(spec["weights"], spec["architecture"], spec["options"])
    outputs = stored_outputs(network, weights, head_name(network, image_shape)) or classes
    if outputs != classes:
        network = new_network(spec, image_shape, outputs, lineage)
    load_weights(network, weights, spec["weights"], options=spec["options"])
    return network, outputs
