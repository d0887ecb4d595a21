"""Prototypes of a network: for each pair of classes, an image optimised from one class to the other."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from workflow_lib.datasets.artifact import open_split
from workflow_lib.io import checkpoints, storage
from workflow_lib.models.stored import restore
from workflow_lib.progress import bar
from workflow_lib.prototypes.descent import Settings
from workflow_lib.prototypes.frozen import frozen, stored_layer
from workflow_lib.prototypes.matrix import make_matrix, noise
from workflow_lib.prototypes.resumable import resumable_matrix
from workflow_lib.prototypes.store import write
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training.devices import configure


def make_prototypes(
    *,
    spec: Mapping[str, Any],
    checkpoint: Input,
    dataset: Input,
    previous: Input | None,
    prototypes: Output,
    context: Context,
) -> None:
    """Write the set of prototypes of one network; the log names those that did not converge.

    Args:
        spec: descent (optimizer, lr, steps, loss), initialisation.
        checkpoint: the network.
        dataset: a split, for the names of its classes.
        previous: prototypes to start from; None: noise.
        prototypes: store of the arrays of `prototypes.matrix.layout`.
        context: a killed job continues from its files in the scratch folder.
    """
    device = configure(context.device, context.threads)
    content = checkpoints.load(checkpoint)
    # Weights that another model has trained keep the classes of its dataset.
    names = content["classes"] or class_names(open_split(dataset).class_names, content["outputs"])
    plain = restore(content)
    layer = stored_layer(plain, content["image_shape"])
    network = frozen(plain, layer, content["image_shape"], device=device)
    settings = Settings(**spec["descent"])
    starts = _last(previous) if previous else noise(spec["initialisation"], names, network.image_shape)
    runtime = f"{device}, threads: {context.threads}"
    with resumable_matrix(context.scratch, len(names), network, settings, runtime) as kept:
        if kept.state is not None:
            done = f"{kept.state.finished} of {len(names) ** 2} images are done"
            print(f"make_prototypes: goes on, {done}", file=sys.stderr)
        make_matrix(
            network,
            starts,
            settings,
            arrays=kept.arrays,
            device=device,
            state=kept.state,
            save_state=kept.save,
            progress=bar("prototypes"),
        )
        write(kept.arrays, names, prototypes, network, settings, layer)
        for line in unconverged(kept.arrays["converged"], names):
            print(line, file=sys.stderr)


def unconverged(converged: np.ndarray, names: Sequence[str]) -> Iterator[str]:
    """Lines of the log on the images (target, origin) that did not converge; none if all did."""
    if not converged.all():
        yield f"make_prototypes: {np.sum(~converged)} of {converged.size} images did not converge"
    for target, row in zip(names, converged, strict=True):
        if not row.all():
            yield f"to {target} from {', '.join(np.array(names)[~row])}"


def class_names(known: tuple[str, ...], outputs: int) -> list[str]:
    """A name for each output of a network: the name of its class if the data set has as many classes."""
    return [*known] if len(known) == outputs else [f"output {index}" for index in range(outputs)]


def _last(previous: Path) -> np.ndarray:
    """The class prototypes (n, c, y, x) of another set."""
    images = storage.load(previous)["image"]
    return np.stack([images[k, k].values for k in range(len(images))])
