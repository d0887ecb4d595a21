"""Nested parts of the training images, for stages of a training on growing data."""

import numpy as np
from numpy.typing import NDArray

from workflow_lib import seeds


def growing(labels: NDArray[np.integer], percent: int, lineage: tuple[object, ...]) -> NDArray[np.int64]:
    """Rows of a share of each class, rounded up: the first of a random order of the class.

    So a smaller share is part of a larger one, every class keeps its share, and none is left without an image. The rows
    of a class depend only on its label, its members and the lineage.

    Args:
        labels: (n,) of the images.
        percent: 1 … 100.
        lineage: names from which the orders are derived, such as model and seed.

    Returns:
        (m,) in rising order; all rows at 100 %.
    """
    chosen = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        order = seeds.generator(*lineage, "subset", label).permutation(members)
        chosen.append(order[: -(-len(members) * percent // 100)])
    return np.sort(np.concatenate(chosen))
