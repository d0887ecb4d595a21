"""Trainings of a confusion study, of any pairs of classes and of the baseline."""

import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from workflow_lib import seeds
from workflow_lib.confusion import store
from workflow_lib.confusion.mislabelling import mislabel
from workflow_lib.datasets.artifact import StoredSplit, open_split
from workflow_lib.errors import Problem, UserError, listed, write_nearest
from workflow_lib.models.initial import initial_network, with_weights
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training.devices import configure
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.replicates.form import Form, choose
from workflow_lib.training.replicates.kept import KeptStates
from workflow_lib.training.replicates.predictions import confusion_matrix
from workflow_lib.training.replicates.runs import Run
from workflow_lib.training.replicates.train import train_runs


def train_replicates(
    *,
    spec: Mapping[str, Any],
    train: Input,
    test: Input,
    weights: Input | None,
    confusion: list[Output],
    context: Context,
) -> None:
    """Write a store for each of `confusion`, in the order of `spec["runs"]`.

    Args:
        spec: architecture, options, normalize, weights, training; study; runs: name -> pair ("A+B", "A+to+B" or
            "baseline"), classes (the two names, or none), mode, share, seed.
        train: split that the networks are trained on.
        test: split that they are tested on; its labels stay as they are.
        weights: checkpoint of another model from whose weights they start, in place of those in `spec`.
        confusion: stores as `confusion.store.write` describes them.
        context: a killed job goes on from what it has kept in the scratch folder.
    """
    device = configure(context.device, context.threads)
    split, tested = open_split(train), open_split(test)
    spec, settings = with_weights(spec, weights), Settings.from_mapping(spec["training"])
    asked = {name: store.Run(**run) for name, run in spec["runs"].items()}
    _require_classes(asked.values(), split.class_names, spec["study"])
    runs = {name: _run(spec, run, split) for name, run in asked.items()}
    form = _form(next(iter(runs.values())), split, settings, device)
    kept = context.scratch / f"{form}, {device}, threads {context.threads}"  # what decides how sums are rounded
    made = {name: kept / f"{name}.zarr.zip" for name in runs}
    missing = {name: run for name, run in runs.items() if not store.is_whole(made[name])}
    images, states, progress = split.all_images(), KeptStates(kept), bar(f"batches of {len(missing)} trainings")
    test_images, names = tested.all_images(), split.class_names
    for name, trained in train_runs(missing, images, settings, form, device=device, states=states, progress=progress):
        counts = confusion_matrix(trained.network, test_images, tested.labels, len(names), device=device)
        store.write(made[name], asked[name], names, counts, trained.losses, trained.diverged)
        states.remove(name)
    for path, result in zip(confusion, made.values(), strict=True):
        shutil.copyfile(result, path)


def _require_classes(runs: Iterable[store.Run], names: Sequence[str], study: str) -> None:
    """Raise UserError with all classes of the pairs that are not in the data."""
    unknown = dict.fromkeys(name for run in runs for name in run.classes if name not in names)
    if unknown:
        where, allowed = f"confusion.studies.{study}.pairs", f"the classes are: {listed(names)}"
        raise UserError(*(Problem(where, name, allowed, write_nearest(name, names)) for name in unknown))


def _form(run: Run, split: StoredSplit, settings: Settings, device: str) -> Form:
    attacked = settings.adversarial is not None
    form, reason = choose(run.build(), split.image_shape, settings.batch_size, device, adversarial=attacked)
    print(f"train_replicates: {form}, {reason}", file=sys.stderr)
    return form


def _run(spec: Mapping[str, Any], run: store.Run, split: StoredSplit) -> Run:
    """One training; everything random in it follows from study, pair and seed."""
    lineage = ("confusion", spec["study"], run.pair, run.seed)
    labels, outputs = split.labels.astype(np.int64), len(split.class_names)
    if run.classes:
        first, second = map(split.class_names.index, run.classes)
        rng = seeds.generator(*lineage, "mislabelled")
        labels = mislabel(labels, first, second, run.share, run.mode, outputs, rng)
    return Run(lambda: initial_network(spec, split.image_shape, outputs, lineage), labels, lineage)
