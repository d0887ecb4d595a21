"""Weights that the user brings along, as the checkpoint that a training would leave."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.datasets.artifact import open_split
from workflow_lib.errors import UserError
from workflow_lib.features import checks
from workflow_lib.io import checkpoints
from workflow_lib.models.layers import head_name, inner
from workflow_lib.models.stored import describe, new_network, restore
from workflow_lib.models.weights import load_weights, read_weights, stored_outputs
from workflow_lib.steps.roles import Input, Output
from workflow_lib.training.loop import State


def import_weights(*, spec: Mapping[str, Any], dataset: Input, checkpoint: Output) -> None:
    """Write the network that `spec` names with the weights that it names, after proving that they fit.

    The network keeps the number of outputs that its weights were made for, also where the data set has
    another number of classes: an untrained last layer would say nothing.

    Raises:
        UserError: the weights do not fit; the outputs of the network are not finite, random, or depend on the batch.
    """
    split = open_split(dataset)
    outputs, lineage = len(split.class_names), (spec["model"], spec["seed"])
    network = new_network(spec, split.image_shape, outputs, lineage)
    weights = read_weights(spec["weights"], spec["architecture"], spec["options"])
    made_for = stored_outputs(network, weights, head_name(network, split.image_shape))
    if made_for not in (None, outputs):
        outputs = made_for
        network = new_network(spec, split.image_shape, outputs, lineage)
    load_weights(network, weights, spec["weights"], options=spec["options"])
    content = {**describe(spec, split.image_shape, outputs), **vars(State(network=inner(network).state_dict()))}
    if found := checks.output_problems(network, restore(content), split.images(0, checks.FEW), {}):
        raise UserError(*(problem.inside(f"models.{spec['model']}") for problem in found))
    checkpoints.save(content, checkpoint)
