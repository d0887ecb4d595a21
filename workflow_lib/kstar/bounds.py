"""Float32 copies of the rows, and bounds on the error of their distances.

For every pair, with its `score` in a tile of `scores.py`,

    (low_i + low_j) - score  <=  distance_between(i, j)  <=  (high_i + high_j) - score

where each side is evaluated in float32 as written. docs/appendix/kstar-exactness.md derives the bounds. They hold for
any order of summation, with or without fused operations, with subnormal numbers kept or flushed to zero.
"""

import numpy as np

from workflow_lib.kstar.pairs import CHEBYSHEV, EUCLIDEAN, Bounds, Rows

UNIT = 2.0**-24
"""Largest relative error of one float32 rounding."""
TINY = 2.0**-126
"""Largest absolute error of one float32 operation that underflows."""
LANES = 16
"""Float32 rows are padded with zero features to a multiple of this, so that vector loops have no remainder."""


def stand_in(rows: Rows, block: int = 1024) -> tuple[np.ndarray, Bounds]:
    """Centre the rows in float64 and round them to float32.

    Centring keeps all distances but makes the numbers, and so the errors, smaller. The mean need not be exact.

    Returns:
        (N, d') float32 values in the order of positions, where d' is d padded; and their bounds.
    """
    count, width = rows.features.shape
    mean = sum(rows.scale[i : i + block] @ rows.features[i : i + block] for i in range(0, count, block)) / count
    values = np.zeros((count, -(-width // LANES) * LANES), dtype=np.float32)
    sizes = np.empty(count)
    for first in range(0, count, block):
        part = rows.order[first : first + block]
        stand = values[first : first + block]
        stand[:, :width] = rows.features[part] * rows.scale[part, None] - mean
        sizes[first : first + block] = size_of(stand.astype(np.float64), rows.kind)
    share, floor = error_of(width, rows.kind)
    slack = share * sizes + floor
    base = sizes if rows.kind == EUCLIDEAN else np.zeros(count)
    return values, Bounds((base - slack).astype(np.float32), (base + slack).astype(np.float32))


def size_of(values: np.ndarray, kind: int) -> np.ndarray:
    """Half the squared norm, or the sum or maximum of the magnitudes, of each row; (n,) float64.

    The error of a pair's distance is proportional to the sum of both sizes.
    """
    if kind == EUCLIDEAN:
        squares: np.ndarray = 0.5 * np.einsum("if,if->i", values, values)
        return squares
    magnitudes = np.abs(values)
    sizes: np.ndarray = magnitudes.max(axis=1) if kind == CHEBYSHEV else magnitudes.sum(axis=1)
    return sizes


def error_of(width: int, kind: int) -> tuple[float, float]:
    """Error of a distance for `width` features: as a share of each row's size, and a floor for underflow."""
    roundings = 8 if kind == CHEBYSHEV else width + 8
    share = roundings * UNIT / (1 - roundings * UNIT)
    return share * (1 + 2**-10), 16 * width * TINY
