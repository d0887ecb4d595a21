"""The rows that a metric compares, and distances turned back into the units of the features."""

import math

import numpy as np

from workflow_lib.kstar.inputs import Samples
from workflow_lib.kstar.metrics import METRICS
from workflow_lib.kstar.pairs import Rows


def rows_of(samples: Samples, metric: str) -> Rows:
    """Rows to compare under `metric`.

    A metric of directions scales each row by the reciprocal of its norm. The others scale all rows by one power of two,
    which rounds nothing and brings the largest magnitude into [0.5, 1), where no square over- or underflows needlessly.
    """
    features = samples.features
    if METRICS[metric].of_directions:
        scale = reciprocal_norms(features)
    else:
        largest = max(float(features.max()), -float(features.min()))
        scale = np.full(len(features), math.ldexp(1.0, -math.frexp(largest)[1]))
    class_end = np.repeat(samples.starts[1:], np.diff(samples.starts))
    return Rows(features, scale, samples.order, class_end, METRICS[metric].kind)


def reciprocal_norms(features: np.ndarray) -> np.ndarray:
    """Reciprocal norm of each row, (N,) float64; squares are scaled against overflow and summed feature by feature."""
    largest = np.maximum(features.max(axis=1), -features.min(axis=1)).astype(np.float64)
    power = np.ldexp(1.0, -np.frexp(largest)[1])
    total = np.zeros(len(features))
    for column in features.T:
        total += np.square(column * power)
    reciprocal: np.ndarray = power / np.sqrt(total)
    return reciprocal


def in_units(distance: np.ndarray, rows: Rows, metric: str) -> np.ndarray:
    """Values of `distance_between` as distances of `metric` between the features as given; (n,) float64."""
    return METRICS[metric].units(distance, float(rows.scale[0]))
