"""A set of prototypes as a store: arrays by target and origin, with the names of the classes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from workflow_lib.io import storage
from workflow_lib.prototypes.descent import Settings
from workflow_lib.prototypes.frozen import Frozen
from workflow_lib.prototypes.matrix import layout

OF_HEAD = "input of the last linear layer"
"""The layer of the features, for a network of which it can be told."""

MEANING = {
    "image": "prototype, from its origin's to its target's class; 1 is full intensity",
    "features": "feature vector of the prototype",
    "loss": "cross-entropy to the target, nats",
    "confidence": "softmax probability of the target",
    "predicted": "class with the highest logit, the number of its place in target",
    "steps": "number of steps made",
    "converged": "whether the loss fell below the threshold",
    "length": "length of the path travelled, Euclidean, in pixels of 0 to 1",
    "crossing": "images before and after the step at which the target's logit overtook the origin's",
    "crossing_length": "length of the path at the image before",
    "crossing_step": "number of steps at the image after; -1 where the target never overtook",
    "trajectory": "class prototype after so many steps",
    "trajectory_step": "number of steps; -1 beyond the end",
    "trajectory_loss": "cross-entropy to the target, nats",
    "trajectory_confidence": "softmax probability of the target",
}


def write(
    arrays: Mapping[str, np.ndarray],
    names: Sequence[str],
    path: Path,
    network: Frozen,
    settings: Settings,
    layer: str | None,
) -> None:
    """Write a finished set, one target at a time to save memory.

    Args:
        arrays: from `make_matrix`.
        names: of the n classes.
        path: the store, `….zarr.zip`; attributes of its variables say what NaN and -1 mean.
        network: of the set.
        settings: of its descents.
        layer: whose output the features are; None: the input of the last linear layer.
    """
    text = np.array(names)
    default = {"precision"} if settings.precision == "float32" else set()  # missing, as in earlier versions
    about = {
        "title": "Prototypes: image[target, origin] began at the origin's prototype and was driven to the target",
        "layer": layer or OF_HEAD,
        **{key: value for key, value in asdict(settings).items() if key not in default},
    }
    variables = {
        name: storage.VariableSpec(array.dims, array.shape, array.dtype, {"long_name": MEANING[name]})
        for name, array in layout(len(names), network, settings).items()
    }
    coords = {"target": ("target", text), "origin": ("origin", text), "side": ("side", np.array(["before", "after"]))}
    with storage.SampleWriter(path, variables, coords, about) as writer:
        for target in range(len(names)):
            writer.append(**{name: arrays[name][target : target + 1] for name in variables})
