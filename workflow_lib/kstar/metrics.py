"""What k* knows of each metric, in one place; only `pairs.distance_between` adds to it, the distance itself.

Scores are float32 numbers that are the larger, the nearer two rows are. For products the score is the dot product: half
the squared distance is h_i + h_j - score, with h half the squared norm. For all others it is the negative distance.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from workflow_lib.kstar.compiled import compiled
from workflow_lib.kstar.pairs import CHEBYSHEV, CITYBLOCK, EUCLIDEAN


@dataclass(frozen=True)
class Scores:
    """Float32 scores of one kind of distance, and how far they can be from the truth (docs/kstar.md, Error bound).

    Attributes:
        tile: writes the scores of left (n, d) against right (m, d), stand-ins, into (n, m); all float32.
        order: of the Minkowski distance: 1, 2 or infinity.
        size: of each row (n, d) float64, (n,); a pair's error is in proportion to the sum of the two sizes.
        roundings: how many float32 roundings a distance between rows of so many features goes through.
        product: whether the score is the dot product.
    """

    tile: Callable[[np.ndarray, np.ndarray, np.ndarray], object]
    order: float
    size: Callable[[np.ndarray], np.ndarray]
    roundings: Callable[[int], int]
    product: bool = False


@dataclass(frozen=True)
class Distance:
    """One metric.

    Attributes:
        kind: of the distance in `pairs.distance_between`. Without an entry in `SCORES` every pair is decided in
            float64: as exact, and slower.
        units: (values of that distance, scale of the rows) -> distances between the features as given.
        of_directions: whether rows are brought to length 1 first; a row of zeros is then an error.
    """

    kind: int
    units: Callable[[np.ndarray, float], np.ndarray]
    of_directions: bool = False


@compiled("reassoc", "nnan", "nsz")
def _cityblock(left: np.ndarray, right: np.ndarray, tile: np.ndarray) -> None:
    for a in range(len(left)):
        for b in range(len(right)):
            x, y = left[a], right[b]
            total = np.float32(0)
            for f in range(x.size):
                total += abs(x[f] - y[f])
            tile[a, b] = -total


@compiled()
def _chebyshev(left: np.ndarray, right: np.ndarray, tile: np.ndarray) -> None:
    """Non-negative floats have the order of their bits, and a maximum of integers is what compilers vectorise."""
    for a in range(len(left)):
        for b in range(len(right)):
            x, y = left[a], right[b]
            largest = np.int32(0)
            for f in range(x.size):
                largest = max(largest, np.float32(abs(x[f] - y[f])).view(np.int32))
            tile[a, b] = -np.int32(largest).view(np.float32)


SCORES: Final[Mapping[int, Scores]] = {
    EUCLIDEAN: Scores(
        tile=lambda left, right, tile: np.matmul(left, right.T, out=tile),
        order=2,
        size=lambda values: 0.5 * np.einsum("if,if->i", values, values),
        roundings=lambda width: width + 8,
        product=True,
    ),
    CITYBLOCK: Scores(
        tile=_cityblock,
        order=1,
        size=lambda values: np.abs(values).sum(axis=1),
        roundings=lambda width: width + 8,
    ),
    CHEBYSHEV: Scores(
        tile=_chebyshev,
        order=math.inf,
        size=lambda values: np.abs(values).max(axis=1),
        roundings=lambda width: 8,
    ),
}
"""Scores by the kind of distance."""


def score_tile(left: np.ndarray, right: np.ndarray, kind: int, tile: np.ndarray) -> None:
    """Write the scores of left (n, d) against right (m, d), float32 stand-ins, into (n, m); else zeros."""
    if kind in SCORES:
        SCORES[kind].tile(left, right, tile)
    else:
        tile[:] = 0


METRICS: Final[Mapping[str, Distance]] = {
    "euclidean": Distance(EUCLIDEAN, lambda value, scale: np.sqrt(2 * value) / scale),
    "cityblock": Distance(CITYBLOCK, lambda value, scale: value / scale),
    "chebyshev": Distance(CHEBYSHEV, lambda value, scale: value / scale),
    # 1 - cos is half the squared distance of unit rows.
    "cosine": Distance(EUCLIDEAN, lambda value, scale: value, of_directions=True),
}
"""The metrics by the names that users write (`names.Metric`)."""
