"""Step of rule approximate_kstar."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workflow_lib import progress
from workflow_lib.kstar import store
from workflow_lib.kstar.approximate import approximate
from workflow_lib.steps.roles import Input, Output


def approximate_kstar(*, spec: Mapping[str, Any], features: Input, kstar: Output) -> None:
    """Write the approximate k* of every sample, and how many of the checked ones agree with the exact k*.

    Args:
        spec: metric; for cosine also on_zero; neighbours, check and seed, as in the config.
        features: feature store.
        kstar: store as of `compute_kstar`, with `censored`, and without pieces (piece is -1). Its attribute neighbours
            is the length of the lists; checked and agreed (numbers of samples) are by label.
    """
    metric, vectors = spec["metric"], store.read(features, spec)
    found = approximate(
        vectors.features,
        vectors.labels,
        metric,
        neighbours=spec["neighbours"],
        checks=spec["check"],
        seed=spec["seed"],
        progress=progress.bar(f"check of k* ({metric})"),
    )
    columns = ("kappa", "kstar", "nearest_foreign", "nearest_foreign_distance", "censored")
    values = {name: getattr(found, name) for name in columns} | {"piece": np.full(len(found.kappa), -1)}
    checked = vectors.labels[found.checked]
    counts = {"checked": checked, "agreed": checked[found.agrees]}
    by_label = {name: np.bincount(part, minlength=len(vectors.class_names)).tolist() for name, part in counts.items()}
    store.write(kstar, vectors, metric, values, neighbours=spec["neighbours"], **by_label)
