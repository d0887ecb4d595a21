"""Boundary images of a set of prototypes as a store: by route, target and origin."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from workflow_lib.io import storage
from workflow_lib.progress import Progress
from workflow_lib.prototypes.boundaries import Boundaries, on_path, straight
from workflow_lib.prototypes.frozen import Frozen

if TYPE_CHECKING:
    import xarray as xr

ROUTES = ("line", "path")
"""The straight line between two class prototypes, and the path of the optimisation."""

ABOUT = {
    "image": "image at which the logits of origin and target are equal; NaN where none was found",
    "features": "feature vector of the image",
    "share": "share of the route from the origin travelled, 0 to 1, by length",
    "difference": "logit of the target less that of the origin",
    "found": "whether the two ends of the route lie on either side; false on the diagonal",
}


def write(
    path: Path, network: Frozen, prototypes: "xr.Dataset", layer: str, *, device: str, progress: Progress | None = None
) -> None:
    """Find and write the boundaries, one target at a time to save memory.

    Args:
        path: the store: image, features, share, difference, found by target, route and origin, with the names of
            the classes; NaN or false if there is none.
        network: from `frozen`, on the device.
        prototypes: store of its prototypes.
        layer: whose output the features are.
        device: "cpu" or "cuda".
        progress: called with the number of targets done and in all.
    """
    names = [str(name) for name in prototypes["target"].values]
    n, shape = len(names), tuple(int(size) for size in network.image_shape)
    dims = ("target", "route", "origin")
    sizes = {
        "image": (("channel", "y", "x"), shape, "float32"),
        "features": (("feature",), (network.width,), "float32"),
        "share": ((), (), "float64"),
        "difference": ((), (), "float64"),
        "found": ((), (), "bool"),
    }
    variables = {
        name: storage.VariableSpec((*dims, *inner), (n, 2, n, *size), dtype, {"long_name": ABOUT[name]})
        for name, (inner, size, dtype) in sizes.items()
    }
    text = np.array(names)
    coords = {"target": ("target", text), "route": ("route", np.array(ROUTES)), "origin": ("origin", text)}
    about = {"title": "Boundary images between classes", "layer": layer}
    ends = np.stack([prototypes["image"][k, k].values for k in range(n)])
    with storage.SampleWriter(path, variables, coords, about) as writer:
        for target in range(n):
            found = _towards(network, prototypes, ends, target, device)
            writer.append(**{name: _rows(found, name, target)[None] for name in variables})
            if progress is not None:
                progress(target + 1, n)


def _towards(
    network: Frozen, prototypes: "xr.Dataset", ends: np.ndarray, target: int, device: str
) -> tuple[Boundaries, Boundaries]:
    """The boundaries on both routes from every other class to one."""
    origin = np.delete(np.arange(len(ends)), target)
    targets = np.full(len(origin), target)
    row = {name: prototypes[name][target].values[origin] for name in ("crossing", "crossing_length", "length")}
    line = straight(network, ends[origin], ends[targets], origin, targets, device=device)
    path = on_path(
        network,
        row["crossing"],
        origin,
        targets,
        crossing_length=row["crossing_length"],
        length=row["length"],
        device=device,
    )
    return line, path


def _rows(found: tuple[Boundaries, Boundaries], name: str, target: int) -> np.ndarray:
    """One variable (route, origin, …), with an empty row for the target itself."""
    parts = [getattr(boundaries, name) for boundaries in found]
    empty = False if name == "found" else np.nan
    return np.stack([np.insert(part, target, empty, axis=0) for part in parts])
