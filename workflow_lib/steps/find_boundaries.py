"""Boundary images: images to which a network gives two classes the same logit."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.io import checkpoints, storage
from workflow_lib.models.stored import restore
from workflow_lib.progress import bar
from workflow_lib.prototypes import boundary_store
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.prototypes.store import layer_name
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training.devices import configure


def find_boundaries(
    *, spec: Mapping[str, Any], checkpoint: Input, prototypes: Input, boundaries: Output, context: Context
) -> None:
    """Write the boundary image of every ordered pair of classes, on the straight line and on the path of the descent.

    Args:
        spec: layer ({module, pool, channels}; None: the input of the layer that gives the logits).
        checkpoint: the network.
        prototypes: a set of its prototypes.
        boundaries: store, from `prototypes.boundary_store.write`.
        context: device and threads.
    """
    device = configure(context.device, context.threads)
    content = checkpoints.load(checkpoint)
    layer = spec["layer"] or {"module": None}
    network = frozen(restore(content), image_shape=content["image_shape"], device=device, **layer)
    made, name = storage.load(prototypes), layer_name(spec["layer"])
    boundary_store.write(boundaries, network, made, name, device=device, progress=bar("classes"))
