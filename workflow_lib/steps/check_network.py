"""Check of a network before it is trained or used, so that no mistake in it is found after hours."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from workflow_lib.datasets.artifact import StoredSplit, open_split
from workflow_lib.errors import Problem, UserError
from workflow_lib.features import checks
from workflow_lib.features.extraction import Layer
from workflow_lib.features.output_map import read_outputs
from workflow_lib.io.storage import write_table
from workflow_lib.models.initial import initial_network, loaded_network
from workflow_lib.models.layers import head_name, inner
from workflow_lib.models.modules import modules
from workflow_lib.models.normalization import Classifier
from workflow_lib.models.stored import describe, new_network, remarks, restore
from workflow_lib.models.weights import load_weights
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training import trial
from workflow_lib.training.devices import configure
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.subsets import growing


def check_network(
    *, spec: Mapping[str, Any], dataset: Input, origin: Input | None, network: Output, context: Context
) -> None:
    """Build the network, pass images through it, train a step with each batch size, and write a table of its modules.

    Args:
        spec: model (its name), architecture, options, normalize, weights, training (None if the weights are only
            loaded), predictions, layers; heads (the prototype studies that need the layer of the logits); stages (the
            shares of the images that are trained on, in percent; missing for all of them).
        dataset: the training split, or the test split if there is no training.
        origin: a split of the dataset of another model, which trains the weights. They do not exist yet, so weights of
            the same shapes take their place.
        network: the table, as `models.modules.modules` describes it.
        context: the device of the training.

    Raises:
        UserError: all that is wrong with the network, at the keys of the config.
    """
    device = configure(context.device, context.threads)
    split = open_split(dataset)
    model = f"models.{spec['model']}"
    for remark in remarks(spec, split.image_shape):
        print(f"{model}: {remark}", file=sys.stderr)
    try:
        built, outputs = _network(spec, split) if origin is None else _taken_over(spec, split, open_split(origin))
        table = modules(built, torch.from_numpy(split.images(0, 2)))
        content = {**describe(spec, split.image_shape, outputs), "network": inner(built).state_dict()}
        stand_in = origin is not None and spec["training"] is None
        found = _problems(built, restore(content), spec, split, device, stand_in=stand_in)
        found += _output_problems(spec["predictions"], split, outputs)
        found = [problem.inside(model) for problem in found]
    except UserError as error:
        raise UserError(*(problem.inside(model) for problem in error.problems)) from error
    if found := [*found, *_head_problems(built, spec["heads"], split)]:
        raise UserError(*found)
    write_table(table, network)


def _network(spec: Mapping[str, Any], split: StoredSplit) -> tuple[Classifier, int]:
    """The network as the first job after the check has it, and its number of logits."""
    classes, lineage = len(split.class_names), ("check", spec["model"])
    if spec["training"] is None:
        return loaded_network(spec, split.image_shape, classes, lineage)
    return initial_network(spec, split.image_shape, classes, lineage), classes


def _taken_over(spec: Mapping[str, Any], split: StoredSplit, origin: StoredSplit) -> tuple[Classifier, int]:
    """The network with untrained weights of a network for `origin`, and its number of logits."""
    lineage = ("check", spec["model"])
    outputs = len((split if spec["training"] else origin).class_names)
    network = new_network(spec, split.image_shape, outputs, lineage)
    weights = inner(new_network(spec, origin.image_shape, len(origin.class_names), lineage)).state_dict()
    head = head_name(network, split.image_shape) if spec["training"] else None
    load_weights(network, weights, "those of the other model", new_head=head)
    return network, outputs


def _output_problems(predictions: Mapping[str, Any] | None, split: StoredSplit, outputs: int) -> Sequence[Problem]:
    """What is wrong with the file that says which outputs belong to which class."""
    try:
        if predictions:
            read_outputs(predictions["map"], split.class_names, outputs)
    except UserError as error:
        return error.problems
    return []


def _head_problems(network: Classifier, studies: Sequence[str], split: StoredSplit) -> list[Problem]:
    """Studies of prototypes that need a layer, because the one that gives the logits cannot be told."""
    try:
        if studies:
            frozen(network, None, split.image_shape)
    except UserError as error:
        return [problem.inside(f"prototypes.studies.{study}") for study in studies for problem in error.problems]
    return []


def _problems(
    network: Classifier,
    restored: Classifier,
    spec: Mapping[str, Any],
    split: StoredSplit,
    device: str,
    *,
    stand_in: bool,
) -> list[Problem]:
    """All problems of a network, which was also stored and restored; one with a training is trained a little.

    With `stand_in`, untrained weights take the place of trained ones, so equal outputs for all images are no problem.
    """
    images = split.images(0, checks.FEW)
    layers = {name: Layer(**layer) for name, layer in spec["layers"].items()}
    unfit = checks.layer_problems(network, images, layers, device=device)
    layers = {name: layer for name, layer in layers.items() if name not in unfit}
    found = [problem for problems in unfit.values() for problem in problems]
    found += checks.output_problems(network, restored, images, layers, device=device)
    before = {} if found else checks.outputs(network, images, layers, device=device)
    if spec["training"]:
        settings = Settings.from_mapping(spec["training"])
        counts = [len(growing(split.labels, percent, ())) for percent in spec.get("stages", [100])]
        size = max(2, *(trial.batch_sizes(count, settings.batch_size)[0] for count in counts))
        batch = split.images(0, size), split.labels[:size]
        found += trial.problems(network, *batch, settings, counts, device=device)
    if not found and not stand_in and (images != images[:1]).any():
        # A last layer that starts at zero gives equal logits until it is trained.
        after = checks.outputs(network, images, layers, device=device)
        if same := checks.constant(before) & checks.constant(after):
            found.append(checks.not_varied(sorted(same)))
    return found
