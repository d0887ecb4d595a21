"""What the explorer shows of prototype studies: images, how they came about, and C and R of each."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.prototypes import SET, PrototypePlan
from workflow_lib.report.explorer.blobs import Blobs, Data, narrow
from workflow_lib.report.explorer.kstar import Current
from workflow_lib.report.explorer.pictures import EXACT, cell_of, sheet

WINDOW = 32
"""Of more classes, the first ones are shown; means are over all classes."""

Array = npt.NDArray[np.float32]


def read_prototypes(plan: Plan, blobs: Blobs, current: Current, limit: float) -> list[dict[str, Any]]:
    """The prototype studies of a plan as the page is told of them, as far as they are there and fit."""
    studies = []
    for study in plan.prototypes.values():
        sets: list[dict[str, Any]] = []
        lost: Counter[str] = Counter()
        for values, layers in _sets(study):
            found = _set(study, values, layers, blobs, current, limit)
            if isinstance(found, str):
                lost[found] += 1
            else:
                sets.append(found)
        about = {"family": "prototypes", "name": study.name, "title": study.study.title}
        studies.append({**about, "shown": sets, "lost": dict(lost)})
    return studies


def _sets(study: PrototypePlan) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Values of each set and its layers; of each model first the last interval of the first seed."""
    found = []
    for grid in study.layered:
        for initialisation in grid["initialisation"]:
            for seed in grid["seed"]:
                for interval in reversed(grid["interval"]):
                    values = {"model": grid["model"][0], "seed": seed, "interval": interval}
                    found.append(({**values, "initialisation": initialisation}, [*grid["layer"]]))
    return iter(sorted(found, key=lambda one: (one[0]["initialisation"], one[0]["seed"])))


def _set(
    study: PrototypePlan, values: dict[str, Any], layers: list[str], blobs: Blobs, current: Current, limit: float
) -> dict[str, Any] | str:
    """A set of prototypes, or why it is not shown."""
    place = SET.format(kind="{kind}", study=study.name, **values)
    path = Path(study.results, place.format(kind="prototypes") + ".zarr.zip")
    if not path.is_file():
        return "not computed"
    if not current(path):
        return "outdated"
    compared = {layer: Path(study.results, place.format(kind="dissimilarity"), f"{layer}.zarr.zip") for layer in layers}
    try:
        with storage.load(path) as store:
            about, data = _images(store)
        tensors = {layer: _tensors(file, study) for layer, file in compared.items() if current(file)}
    except UserError:
        return "damaged"
    named = {**data, **{f"{layer} {name}": array for layer, part in tensors.items() for name, array in part.items()}}
    added = blobs.add(*named.values(), besides=[values, about, list(named)], limit=limit)
    if added is None:
        return "no room"
    ids = dict(zip(named, added, strict=True))
    about["layers"] = {layer: {name: ids[f"{layer} {name}"] for name in part} for layer, part in tensors.items()}
    return {"values": values, **about, **{name: ids[name] for name in data}}


def _images(store: xr.Dataset) -> tuple[dict[str, Any], dict[str, Data]]:
    """Classes and sizes, and pictures and numbers of a set; matrices (target, origin) are flattened."""
    names = [str(name) for name in store["target"].values]
    n = min(len(names), WINDOW)
    inside = store.isel(target=slice(n), origin=slice(n))
    shape = inside["image"].shape[2:]
    cell = cell_of(*shape[1:])
    about = {
        "classes": names[:n],
        "of": len(names),
        "snapshots": store.sizes["snapshot"],
        "width": cell.width,
        "height": cell.height,
        "exact": max(shape[1:]) <= EXACT,
    }
    data: dict[str, Data] = {
        "image": sheet(inside["image"].values.reshape(-1, *shape), n),
        "crossing": sheet(inside["crossing"].values.reshape(-1, *shape), 2 * n),
        "trajectory": sheet(inside["trajectory"].values.reshape(-1, *shape), store.sizes["snapshot"]),
    }
    for name in ("confidence", "trajectory_confidence"):
        data[name] = inside[name].values.astype(np.float32).ravel()
    for name in ("steps", "converged", "predicted"):
        data[name] = narrow(inside[name].values.astype(np.int64).ravel())
    for name in ("crossing_step", "trajectory_step"):
        data[name] = narrow(inside[name].values.ravel() + 1)
    return about, data


def _tensors(path: Path, study: PrototypePlan) -> dict[str, Array]:
    """C and R (target, origin, other) of the classes shown, and their means over all other classes; flattened."""
    with storage.load(path) as store:
        n = min(store.sizes["target"], WINDOW)
        converged = store["converged"].values
        parts = {name: store[name][:n, :n].values for name in ("C", "R")}
    every = study.settings.unconverged == "keep"
    counted = np.ones_like(converged) if every else converged
    own = np.arange(n)
    arrays: dict[str, Array] = {}
    for name, part in parts.items():
        # C[k, j, m] compares (k, j) with (m, j), R[k, j, m] with (k, m).
        others = np.broadcast_to(counted.T[None, :n] if name == "C" else counted[:n, None], part.shape).copy()
        others &= counted[:n, :n, None]
        if name == "C":
            others[own, :, own] = False
        else:
            others[:, own, own] = False
        count = others.sum(axis=2)
        mean = np.divide((part * others).sum(axis=2), count, out=np.full(count.shape, np.nan), where=count > 0)
        arrays |= {name: part[:, :, :n].astype(np.float32).ravel(), f"mean_{name}": mean.astype(np.float32).ravel()}
    return arrays
