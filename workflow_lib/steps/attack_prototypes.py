"""Adversarial images: the nearest image to each class prototype that a network takes for another class."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workflow_lib.io import checkpoints, storage
from workflow_lib.models.stored import restore
from workflow_lib.prototypes import adversarial_store
from workflow_lib.prototypes.deepfool import deepfool
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.prototypes.store import layer_name
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training.devices import configure


def attack_prototypes(
    *, spec: Mapping[str, Any], checkpoint: Input, prototypes: Input, adversarial: Output, context: Context
) -> None:
    """Write the nearest adversarial image of each class prototype of a set.

    Args:
        spec: layer ({module, pool, channels}; None: the input of the layer that gives the logits).
        checkpoint: the network.
        prototypes: a set of its prototypes.
        adversarial: store, from `prototypes.adversarial_store.write`.
        context: device and threads.
    """
    device = configure(context.device, context.threads)
    content = checkpoints.load(checkpoint)
    layer = spec["layer"] or {"module": None}
    network = frozen(restore(content), image_shape=content["image_shape"], device=device, **layer)
    made = storage.load(prototypes)
    names = [str(name) for name in made["target"].values]
    images = np.stack([made["image"][k, k].values for k in range(len(names))])
    found = deepfool(network, images, np.arange(len(names)), device=device)
    adversarial_store.write(found, names, adversarial, layer_name(spec["layer"]))
