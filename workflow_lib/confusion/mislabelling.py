"""Mixing up two classes of a training set (docs/science.md 3.2)."""

import math
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


def mislabel(
    labels: NDArray[np.int64], first: int, second: int, share: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Labels with a share of class `first` called `second`, and the same share of `second` called `first`.

    Of n samples of a class exactly floor(share * n) change, `share` being the decimal number that it is written as:
    of 5 samples two at a share of 0.5. All other labels stay as they are.

    Args:
        labels: (N,) classes; not changed.
        first: a class.
        second: another class.
        share: in [0, 1]; at 0.5 nothing tells the two classes apart, at 0 nothing changes.
        rng: chooses the samples, without replacement.
    """
    mixed = labels.copy()
    for old, new in ((first, second), (second, first)):
        members = np.flatnonzero(labels == old)
        count = math.floor(Fraction(str(share)) * len(members))
        mixed[rng.choice(members, size=count, replace=False)] = new
    return mixed
