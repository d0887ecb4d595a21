"""The rows that a metric compares, and distances turned back into the units of the features."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from workflow_lib.kstar.compiled import compiled
from workflow_lib.kstar.inputs import Samples
from workflow_lib.kstar.metrics import METRICS
from workflow_lib.kstar.pairs import Rows
from workflow_lib.kstar.sweep import available_threads

ROWS = 4096
"""Rows whose norms a thread computes together."""


def rows_of(samples: Samples, metric: str) -> Rows:
    """Rows to compare under `metric`.

    A metric of directions scales each row by the reciprocal of its norm. The others scale all rows by one power of two,
    which rounds nothing and brings the largest magnitude into [0.5, 1), where no square over- or underflows needlessly.
    """
    features = samples.features
    if METRICS[metric].of_directions:
        power = np.ldexp(1.0, -np.frexp(samples.magnitude)[1])  # against overflow of the squares
        parts = [slice(first, first + ROWS) for first in range(0, len(features), ROWS)]
        with ThreadPoolExecutor(available_threads()) as pool:
            sums = list(pool.map(lambda part: _sums_of_squares(features[part], power[part]), parts))
        scale = power / np.sqrt(np.concatenate(sums))
    else:
        scale = np.full(len(features), math.ldexp(1.0, -math.frexp(samples.magnitude)[1]))
    class_end = np.repeat(samples.starts[1:], np.diff(samples.starts))
    return Rows(features, scale, samples.order, class_end, METRICS[metric].kind)


@compiled()
def _sums_of_squares(features: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Sum of squares of each row times its scale, (N,) float64, from the first feature to the last."""
    sums = np.zeros(len(features))
    for i in range(len(features)):
        for value in features[i]:
            scaled = value * scale[i]
            sums[i] += scaled * scaled
    return sums


def in_units(distance: np.ndarray, rows: Rows, metric: str) -> np.ndarray:
    """Values of `distance_between` as distances of `metric` between the features as given; (n,) float64."""
    return METRICS[metric].units(distance, float(rows.scale[0]))
