"""Step of rule compute_kstar."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from workflow_lib import progress
from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.io import storage
from workflow_lib.kstar.directions import zero_rows
from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.steps.roles import Context, Input, Output

SHOWN = 10
"""Largest number of classes named in a message."""


def compute_kstar(*, spec: Mapping[str, Any], features: Input, kstar: Output, context: Context) -> None:
    """Write κ, k*, the nearest foreign sample and the piece of every sample (docs/science.md 1.1, 1.9).

    Args:
        spec: metric (one of `names.METRICS`); for cosine also on_zero ("error" or "leave_out").
        features: feature store, (sample, feature).
        kstar: store with dimension sample and the labels and predictions of the features. Its attributes class_names
            and left_out (number of samples) are by label.
        context: runtime; on a GPU the tiles are made there and open cases decided on the CPU, with the same result.
    """
    metric, store = spec["metric"], storage.load(features)
    names, vectors = [str(name) for name in store["class"].values], store["features"].values
    left_out = zero_rows(vectors) if spec.get("on_zero") == "leave_out" else np.array([], dtype=np.int64)
    lost = _count(left_out, store["label"].values, names)
    coords = store.drop_vars(["features", "class"]).drop_isel(sample=left_out).coords
    found = neighbourhood(
        np.delete(vectors, left_out, axis=0) if len(left_out) else vectors,
        coords["label"].values,
        metric,
        device=context.device,
        threads=context.threads,
        progress=progress.bar(f"k* ({metric})"),
    )
    distance_attrs = {"long_name": f"{metric} distance to the nearest sample of another class"}
    result = xr.Dataset(
        {
            "kappa": (
                "sample",
                found.kappa,
                {"long_name": "rank of the nearest sample of another class", "units": "1"},
            ),
            "kstar": (
                "sample",
                found.kstar,
                {"long_name": "kappa divided by the size of the class", "units": "1"},
            ),
            "nearest_foreign": ("sample", found.nearest_foreign, {"long_name": "its row, counted from 0"}),
            "nearest_foreign_distance": ("sample", found.nearest_foreign_distance, distance_attrs),
            "piece": ("sample", found.piece, {"long_name": "number of its piece within its class, 0 the largest"}),
        },
        coords=coords,
        attrs={"title": "k* of every sample", "metric": metric, "class_names": names, "left_out": lost.tolist()},
    )
    storage.save(result, kstar)


def _count(left_out: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Number of samples of each class that are left out.

    Raises:
        UserError: all samples of a class.
    """
    lost, sizes = (np.bincount(part, minlength=len(names)) for part in (labels[left_out], labels))
    if len(left_out):
        print(f"compute_kstar: {len(left_out)} vectors of zeros are left out", file=sys.stderr)
    if empty := [name for name, few, size in zip(names, lost, sizes, strict=True) if few == size > 0]:
        allowed = "all samples are vectors of zeros, so none is left under cosine"
        repair = "choose another metric, or list only the other classes under the key classes of the dataset"
        raise UserError(Problem("kstar.on_zero", f"class {listed(empty, SHOWN)}", allowed, repair))
    return lost
