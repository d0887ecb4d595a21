"""C and R of a set of prototypes."""

from typing import Any

from workflow_lib.dissimilarity import store
from workflow_lib.io import storage
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Input, Output


def compute_dissimilarity(*, spec: dict[str, Any], prototypes: Input, dissimilarity: Output) -> None:
    """Write the tensors of the features, by target, origin and other.

    Args:
        spec: empty.
        prototypes: store with features (target, origin, feature) and converged (target, origin).
        dissimilarity: store, from `dissimilarity.store.write`.
    """
    found = storage.load(prototypes)
    names = [str(name) for name in found["target"].values]
    converged = found["converged"].values
    features = found["features"].values
    store.write(
        dissimilarity, features, names, layer=found.attrs["layer"], converged=converged, progress=bar("classes")
    )
