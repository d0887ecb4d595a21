"""Step of rule compute_kstar."""

from collections.abc import Mapping
from typing import Any

from workflow_lib import progress
from workflow_lib.kstar import store
from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.steps.roles import Context, Input, Output


def compute_kstar(*, spec: Mapping[str, Any], features: Input, kstar: Output, context: Context) -> None:
    """Write κ, k*, the nearest foreign sample and the piece of every sample (docs/science.md 1.1, 1.9).

    Args:
        spec: metric (one of `names.METRICS`); for cosine also on_zero ("error" or "leave_out").
        features: feature store.
        kstar: store with dimension sample and the labels and predictions of the features. Its attributes class_names
            and left_out (number of samples) are by label.
        context: runtime; a GPU gives the same result.
    """
    metric, vectors = spec["metric"], store.read(features, spec)
    found = neighbourhood(
        vectors.features,
        vectors.labels,
        metric,
        device=context.device,
        threads=context.threads,
        progress=progress.bar(f"k* ({metric})"),
    )
    store.write(kstar, vectors, metric, vars(found))
