"""Training of a model from wherever it was left until an interval's epoch, or of a stage on a part of the images."""

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from torch import Tensor

from workflow_lib.datasets.artifact import StoredSplit, open_split
from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.io import checkpoints
from workflow_lib.io.storage import write_table
from workflow_lib.models.initial import initial_network, with_weights
from workflow_lib.models.layers import load_state
from workflow_lib.models.normalization import Classifier
from workflow_lib.models.stored import describe
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Context, Hint, Input, Output
from workflow_lib.training.devices import configure
from workflow_lib.training.loop import CURVE, State, train
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.subsets import growing

NO_PART_OF_ORIGIN = ("stop_epoch", "weights", "outside")
"""Settings that two checkpoints of one training may have otherwise; initial weights count by their values."""

Lineage = tuple[object, ...]

SHOWN = 4
"""Most tensors that a message names."""


def train_interval(
    *,
    spec: Mapping[str, Any],
    dataset: Input,
    weights: Input | None,
    former: Input | None,
    previous: Hint | None,
    checkpoint: Output,
    curve: Output,
    context: Context,
) -> None:
    """Train until `spec["stop_epoch"]`; write the checkpoint and the learning curve from the first epoch on.

    `weights` is the checkpoint of another model from whose weights the training starts, in place of those in `spec`.
    It continues from the state that a killed run of this job has left, or else from the previous interval, or else it
    starts at epoch 0. The result has the same bytes in each case.

    With `spec["percent"]` it is a stage: a training of its own on this share of the images. It starts from the weights
    of the checkpoint `former`, or without one as above, with a fresh optimiser and at the start of the schedule.
    """
    device = configure(context.device, context.threads)
    split = open_split(dataset)
    spec, outputs = with_weights(spec, weights), len(split.class_names)
    lineage: Lineage = (spec["model"], spec["seed"])
    network = initial_network(spec, split.image_shape, outputs, lineage)
    if former:
        load_state(network, checkpoints.load(former)["network"])
    images, labels, lineage = _part(split, spec.get("percent"), lineage)
    runtime = device if device == "cuda" else f"{device}, threads: {context.threads}"
    origin = _origin(spec, network, images, labels, runtime)
    about = {**describe(spec, split.image_shape, outputs, split.class_names), "origin": origin}
    kept = context.scratch / "training.pt"
    start = _farthest([kept, previous], origin, spec["stop_epoch"])
    if start is not None:
        print(f"train_interval: goes on after epoch {start.epoch}, batch {start.step}", file=sys.stderr)
    try:
        state = train(
            network,
            images,
            labels,
            Settings.from_mapping(spec["training"]),
            lineage=lineage,
            stop_epoch=spec["stop_epoch"],
            state=start,
            device=device,
            save_state=lambda state: checkpoints.save({**about, **vars(state)}, kept),
            progress=bar(f"batches until epoch {spec['stop_epoch']}"),
        )
        _require_finite(state.network, spec["training"]["lr"])
    except UserError as error:
        raise UserError(*(problem.inside(f"models.{spec['model']}") for problem in error.problems)) from error
    checkpoints.save({**about, **vars(state)}, checkpoint)
    write_table(pd.DataFrame(state.curve, columns=list(CURVE)), curve)


def _part(split: StoredSplit, percent: int | None, lineage: Lineage) -> tuple[np.ndarray, np.ndarray, Lineage]:
    """Images, labels and lineage of a stage; those of the whole training without `percent`."""
    if percent is None:
        return split.all_images(), split.labels, lineage
    rows = growing(split.labels, percent, lineage)
    return split.pixels(rows), split.labels[rows], (*lineage, "stage", percent)


def _require_finite(weights: Mapping[str, Tensor], lr: float) -> None:
    """Raise UserError if the last step made weights that are not finite: no loss shows it."""
    if broken := [name for name, values in weights.items() if not values.isfinite().all()]:
        allowed = f"the training diverged: NaN or infinite weights at its end, in {listed(broken, SHOWN)}"
        repair = "lower the learning rate, or warm up with schedule: onecycle"
        raise UserError(Problem("training.lr", f"{lr:g}", allowed, repair))


def _origin(spec: Mapping[str, Any], network: Classifier, images: np.ndarray, labels: np.ndarray, runtime: str) -> str:
    """Digest of everything that shapes the training; checkpoints with equal digests belong to the same training.

    The runtime is part of it because the device and the number of threads decide how sums are rounded.
    """
    settings = {key: value for key, value in spec.items() if key not in NO_PART_OF_ORIGIN}
    digest = hashlib.sha256(json.dumps([settings, runtime], sort_keys=True).encode())
    for tensor in network.state_dict().values():
        digest.update(tensor.numpy().tobytes())
    for array in (images, labels):
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def _farthest(candidates: list[Path | None], origin: str, stop_epoch: int) -> State | None:
    """The most advanced state among files that may be missing, damaged or of another training."""
    states: list[State] = []
    for path in candidates:
        if path is None or not path.is_file():
            continue
        try:
            content = checkpoints.load(path)
        except UserError as error:
            print(f"not used: {error}", file=sys.stderr)
            continue
        if content.get("origin") == origin and (content["epoch"], content["step"]) <= (stop_epoch, 0):
            states.append(State(**{name: content[name] for name in State.__dataclass_fields__}))
    return max(states, key=lambda state: (state.epoch, state.step), default=None)
