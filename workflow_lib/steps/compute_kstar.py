"""Step of rule compute_kstar."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from workflow_lib import progress
from workflow_lib.io import storage
from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.steps.roles import Context, Input, Output


def compute_kstar(*, spec: Mapping[str, Any], features: Input, kstar: Output, context: Context) -> None:
    """Write κ, k* and the nearest foreign sample of every sample (docs/science.md 1.1).

    Args:
        spec: {"metric": one of `names.METRICS`}.
        features: feature store, (sample, feature).
        kstar: store with dimension sample and the labels and predictions of the features.
        context: runtime; on a GPU the tiles are made there and open cases decided on the CPU, with the same result.
    """
    store = storage.load(features)
    labels = store["label"].values
    metric = spec["metric"]
    found = neighbourhood(
        store["features"].values,
        labels,
        metric,
        device=context.device,
        threads=context.threads,
        progress=progress.bar(f"k* ({metric})"),
    )
    sizes = np.bincount(labels)
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
                found.kappa / sizes[labels],
                {"long_name": "kappa divided by the size of the class", "units": "1"},
            ),
            "nearest_foreign": ("sample", found.nearest_foreign, {"long_name": "its row, counted from 0"}),
            "nearest_foreign_distance": ("sample", found.nearest_foreign_distance, distance_attrs),
        },
        coords=store.drop_vars("features").coords,
        attrs={"title": "k* of every sample", "metric": metric},
    )
    storage.save(result, kstar)
