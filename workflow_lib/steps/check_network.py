"""Check of a network before it is trained, so that no mistake in it is found after hours."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from workflow_lib.datasets.artifact import StoredSplit, open_split
from workflow_lib.errors import Problem, UserError
from workflow_lib.features import checks
from workflow_lib.features.extraction import Layer
from workflow_lib.io.storage import write_table
from workflow_lib.models.initial import initial_network
from workflow_lib.models.layers import inner
from workflow_lib.models.modules import modules
from workflow_lib.models.normalization import Classifier
from workflow_lib.models.stored import describe, restore
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training import trial
from workflow_lib.training.devices import configure
from workflow_lib.training.optimisation import Settings


def check_network(*, spec: Mapping[str, Any], dataset: Input, network: Output, context: Context) -> None:
    """Build the network, pass images through it, train a step with each batch size, and write a table of its modules.

    Args:
        spec: model (its name), architecture, options, normalize, weights, training, layers; heads (the prototype
            studies that need the layer of the logits).
        dataset: the training split.
        network: the table, as `models.modules.modules` describes it.
        context: the device of the training.

    Raises:
        UserError: all that is wrong with the network, at the keys of the config.
    """
    device = configure(context.device, context.threads)
    split = open_split(dataset)
    model = f"models.{spec['model']}"
    try:
        built = initial_network(spec, split.image_shape, len(split.class_names), ("check", spec["model"]))
        table = modules(built, torch.from_numpy(split.images(0, 2)))
        found = [problem.inside(model) for problem in _problems(built, spec, split, device)]
    except UserError as error:
        raise UserError(*(problem.inside(model) for problem in error.problems)) from error
    if found := [*found, *_head_problems(built, spec["heads"], split)]:
        raise UserError(*found)
    write_table(table, network)


def _head_problems(network: Classifier, studies: Sequence[str], split: StoredSplit) -> list[Problem]:
    """Studies of prototypes that need a layer, because the one that gives the logits cannot be told."""
    try:
        if studies:
            frozen(network, None, split.image_shape)
    except UserError as error:
        return [problem.inside(f"prototypes.studies.{study}") for study in studies for problem in error.problems]
    return []


def _problems(network: Classifier, spec: Mapping[str, Any], split: StoredSplit, device: str) -> list[Problem]:
    """All problems of a network; it is trained for a few steps, in place."""
    images, settings = split.images(0, checks.FEW), Settings.from_mapping(spec["training"])
    layers = {name: Layer(**layer) for name, layer in spec["layers"].items()}
    unfit = checks.layer_problems(network, images, layers, device=device)
    layers = {name: layer for name, layer in layers.items() if name not in unfit}
    content = {**describe(spec, split.image_shape, len(split.class_names)), "network": inner(network).state_dict()}
    found = [problem for problems in unfit.values() for problem in problems]
    found += checks.output_problems(network, restore(content), images, layers, device=device)
    before = {} if found else checks.outputs(network, images, layers, device=device)
    size = max(trial.batch_sizes(len(split), settings.batch_size)[0], 2)
    found += trial.problems(network, split.images(0, size), split.labels[:size], settings, len(split), device=device)
    if not found and (images != images[:1]).any():
        # A last layer that starts at zero gives equal logits until it is trained.
        after = checks.outputs(network, images, layers, device=device)
        if same := checks.constant(before) & checks.constant(after):
            found.append(checks.not_varied(sorted(same)))
    return found
