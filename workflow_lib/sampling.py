"""Stratified choice of samples for work that cannot take them all."""

import numpy as np
import numpy.typing as npt

from workflow_lib import seeds


def sample_rows(labels: npt.NDArray[np.integer], n: int, seed: int) -> npt.NDArray[np.int64]:
    """Rows (sorted, unique, int64) of about `n` samples drawn so that every class keeps its share, at least one each.

    All rows when there are no more than `n`. Rounding, and the one that each class keeps, move the count by up to
    the number of classes. What is drawn from a class depends on its label, its members and the seed only.
    """
    if len(labels) <= n:
        return np.arange(len(labels))
    drawn = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = max(round(n * len(members) / len(labels)), 1)
        drawn.append(seeds.generator("sample", seed, label).choice(members, size=count, replace=False))
    return np.sort(np.concatenate(drawn))
