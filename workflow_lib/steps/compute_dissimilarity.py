"""Features of a set of prototypes at a layer, and their tensors C and R."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.dissimilarity import store
from workflow_lib.errors import UserError
from workflow_lib.io import checkpoints, storage
from workflow_lib.models.stored import restore
from workflow_lib.progress import bar
from workflow_lib.prototypes.features import layer_features
from workflow_lib.prototypes.frozen import HEAD_UNKNOWN, frozen
from workflow_lib.prototypes.store import OF_HEAD
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training.devices import configure


def compute_dissimilarity(
    *, spec: Mapping[str, Any], prototypes: Input, checkpoint: Input | None, dissimilarity: Output, context: Context
) -> None:
    """Write the features by target and origin, and their tensors by target, origin and other.

    Args:
        spec: layer ({module, pool, channels}; None: the input of the layer that gives the logits).
        prototypes: a set of prototypes.
        checkpoint: the network; None if `layer` is, because a set has these features.
        dissimilarity: store, from `dissimilarity.store.write`.
        context: device and threads.
    """
    device = configure(context.device, context.threads)
    found = storage.load(prototypes)
    layer = spec["layer"]["module"] if spec["layer"] else OF_HEAD
    if checkpoint is not None:
        content = checkpoints.load(checkpoint)
        network = frozen(restore(content), image_shape=content["image_shape"], device=device, **spec["layer"])
        features = layer_features(network, found["image"], device=device, progress=bar("classes"))
    elif found.attrs["layer"] == OF_HEAD:
        features = found["features"].values
    else:
        raise UserError(HEAD_UNKNOWN)
    names = [str(name) for name in found["target"].values]
    converged = found["converged"].values
    store.write(dissimilarity, features, names, layer=layer, converged=converged, progress=bar("classes"))
