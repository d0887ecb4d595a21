"""Weights that the user brings along, as the checkpoint that a training would leave."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.datasets.artifact import open_split
from workflow_lib.io import checkpoints
from workflow_lib.models.initial import loaded_network
from workflow_lib.models.layers import inner
from workflow_lib.models.stored import describe
from workflow_lib.steps.roles import Input, Output
from workflow_lib.training.loop import State


def import_weights(*, spec: Mapping[str, Any], dataset: Input, checkpoint: Output) -> None:
    """Write the network that `spec` names with the weights that it names; `check_network` has proven its outputs.

    Raises:
        UserError: the weights do not fit.
    """
    split = open_split(dataset)
    network, outputs = loaded_network(spec, split.image_shape, len(split.class_names), (spec["model"], spec["seed"]))
    state = State(network=inner(network).state_dict())
    checkpoints.save({**describe(spec, split.image_shape, outputs), **vars(state)}, checkpoint)
