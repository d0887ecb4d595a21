"""Weights of the user or of another model, as the checkpoint that a training would leave."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.datasets.artifact import open_split
from workflow_lib.io import checkpoints
from workflow_lib.models.initial import loaded_network, with_weights
from workflow_lib.models.layers import inner
from workflow_lib.models.stored import describe
from workflow_lib.steps.roles import Input, Output
from workflow_lib.training.loop import State


def import_weights(*, spec: Mapping[str, Any], dataset: Input, weights: Input | None, checkpoint: Output) -> None:
    """Write the network that `spec` names with the weights that it names; `check_network` has proven its outputs.

    Args:
        spec: model, seed, architecture, options, normalize, weights.
        dataset: a split of the model's dataset. Its classes are the names of the outputs if it has as many.
        weights: checkpoint of another model, in place of the weights in `spec`; its outputs keep their names.
        checkpoint: the result.

    Raises:
        UserError: the weights do not fit.
    """
    split = open_split(dataset)
    classes = split.class_names if weights is None else checkpoints.load(weights)["classes"]
    spec, lineage = with_weights(spec, weights), (spec["model"], spec["seed"])
    network, outputs = loaded_network(spec, split.image_shape, len(classes), lineage)
    names = classes if outputs == len(classes) else None
    state = State(network=inner(network).state_dict())
    checkpoints.save({**describe(spec, split.image_shape, outputs, names), **vars(state)}, checkpoint)
