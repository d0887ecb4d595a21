"""The nearest adversarial image of each class prototype of a set, as a store."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from workflow_lib.io.storage import save
from workflow_lib.prototypes.deepfool import OVERSHOOT, STEPS, Adversarial

IMAGE = ("channel", "y", "x")
INNER = {"image": IMAGE, "features": ("feature",), "norm": (), "steps": (), "predicted": (), "found": ()}
"""Dimensions of each variable after the first."""

ABOUT = {
    "image": "nearest image that the network takes for another class, 1 is full intensity; NaN if none was found",
    "features": "feature vector of the image",
    "norm": "Euclidean length of the change, in pixels of 0 to 1",
    "steps": "number of steps; 0 if the network takes the prototype itself for another class",
    "predicted": "class with the highest logit, the number of its place in target",
    "found": "whether steps led to another class",
}


def write(found: Adversarial, names: Sequence[str], path: Path, layer: str) -> None:
    """Write the images of all classes.

    Args:
        found: a row for each class.
        names: of the classes.
        path: the store: image, features, norm, steps, predicted, found by target, with the names of the classes.
        layer: whose output the features are.
    """
    values = {
        name: (("target", *INNER[name]), array, {"long_name": ABOUT[name]}) for name, array in vars(found).items()
    }
    about = {
        "title": "Nearest adversarial image of each class prototype: DeepFool, Euclidean norm, all classes",
        "layer": layer,
        "overshoot": OVERSHOOT,
        "most_steps": STEPS,
    }
    save(xr.Dataset(values, {"target": np.array(names)}, about), path)
