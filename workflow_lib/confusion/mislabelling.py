"""Mistraining of two classes: other labels for a share of their training samples, or none (docs/science.md 3.2)."""

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from workflow_lib.names import Mistraining

LEFT_OUT = -1
"""Label of a sample on which a network is not trained."""


def mislabel(
    labels: NDArray[np.int64],
    first: int,
    second: int,
    share: float,
    mode: "Mistraining",
    classes: int,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Labels in which a share of class `first` and, unless the mode is one_way, of class `second` is changed.

    Of n samples of a class, exactly floor(share * n) labels change, with the exact decimal value of `share`: two of 5
    samples at a share of 0.5. All other labels are unchanged.

    Args:
        labels: (N,) classes; not modified.
        first: a class.
        second: another class.
        share: in [0, 1]; 0 changes nothing.
        mode: swap, one_way: the samples get the label of the other class (in the mode swap with a share of 0.5, labels
            do not distinguish the two); drop: they get LEFT_OUT; random: each gets any label but its own, all equally
            likely.
        classes: number of classes, for the mode random.
        rng: chooses the samples, without replacement, and random labels.
    """
    changed = labels.copy()
    for old, other in ((first, second), (second, first))[: 1 if mode == "one_way" else 2]:
        members = np.flatnonzero(labels == old)
        count = math.floor(Fraction(str(share)) * len(members))
        chosen = rng.choice(members, size=count, replace=False)
        if mode == "random":
            changed[chosen] = (old + rng.integers(1, classes, size=count)) % classes
        else:
            changed[chosen] = LEFT_OUT if mode == "drop" else other
    return changed
