"""Scale the rows for a metric, and convert distances back to the units of the features."""

import math

import numpy as np

from workflow_lib.kstar.inputs import Metric, Samples
from workflow_lib.kstar.pairs import CHEBYSHEV, CITYBLOCK, EUCLIDEAN, Rows

KINDS: dict[Metric, int] = {
    "euclidean": EUCLIDEAN,
    "cosine": EUCLIDEAN,  # 1 - cos is half the squared distance of unit rows
    "cityblock": CITYBLOCK,
    "chebyshev": CHEBYSHEV,
}


def rows_of(samples: Samples, metric: Metric) -> Rows:
    """Rows to compare under `metric`.

    For cosine, each row is scaled by the reciprocal of its norm. For the other metrics, all rows are scaled by one
    power of two, which is exact. It brings the largest magnitude into [0.5, 1), so that squares do not over- or
    underflow needlessly.
    """
    features = samples.features
    if metric == "cosine":
        scale = reciprocal_norms(features)
    else:
        largest = max(float(features.max()), -float(features.min()))
        scale = np.full(len(features), math.ldexp(1.0, -math.frexp(largest)[1]))
    class_end = np.repeat(samples.starts[1:], np.diff(samples.starts))
    return Rows(features, scale, samples.order, class_end, KINDS[metric])


def reciprocal_norms(features: np.ndarray) -> np.ndarray:
    """Reciprocal norm of each row, (N,) float64; rows are scaled against overflow, squares added feature by feature."""
    largest = np.maximum(features.max(axis=1), -features.min(axis=1)).astype(np.float64)
    power = np.ldexp(1.0, -np.frexp(largest)[1])
    total = np.zeros(len(features))
    for column in features.T:
        total += np.square(column * power)
    reciprocal: np.ndarray = power / np.sqrt(total)
    return reciprocal


def in_units(distance: np.ndarray, rows: Rows, metric: Metric) -> np.ndarray:
    """Convert values of `distance_between` to distances between the original features; (n,) float64."""
    if metric == "cosine":
        return distance
    units: np.ndarray = (np.sqrt(2 * distance) if metric == "euclidean" else distance) / rows.scale[0]
    return units
