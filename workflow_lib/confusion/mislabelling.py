"""Mixing up two classes of a training set (docs/science.md 3.2)."""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


def mislabel(
    labels: NDArray[np.int64], first: int, second: int, share: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Labels in which a share of class `first` is called `second`, and the same share of `second` is called `first`.

    Of n samples of a class, exactly floor(share * n) labels change, with the exact decimal value of `share`: two of 5
    samples at a share of 0.5. All other labels are unchanged.

    Args:
        labels: (N,) classes; not modified.
        first: a class.
        second: another class.
        share: in [0, 1]; at 0.5 the labels do not distinguish the two classes, at 0 nothing changes.
        rng: chooses the samples, without replacement.
    """
    mixed = labels.copy()
    for old, new in ((first, second), (second, first)):
        members = np.flatnonzero(labels == old)
        count = math.floor(Fraction(str(share)) * len(members))
        mixed[rng.choice(members, size=count, replace=False)] = new
    return mixed
