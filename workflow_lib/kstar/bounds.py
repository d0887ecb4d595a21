"""Float32 stand-ins of the rows, and how far a float32 distance can be from the true one.

For every pair, with `score` its value in a tile of `metrics.py`,

    (low_i + low_j) - score  <=  distance_between(i, j)  <=  (high_i + high_j) - score

where each side is evaluated in float32 as written. docs/appendix/kstar-exactness.md derives it: a worst case for any
order of summation, with or without fused operations, subnormal numbers kept or flushed to zero.
"""

import numpy as np

from workflow_lib.kstar.metrics import SCORES
from workflow_lib.kstar.pairs import Bounds, Rows

UNIT = 2.0**-24
"""Largest relative error of one float32 rounding."""
TINY = 2.0**-126
"""Largest absolute error of one float32 operation that underflows."""
LANES = 16
"""Stand-ins are padded with zero features to a multiple of this, so that vector loops leave no remainder."""


def stand_in(rows: Rows, block: int = 1024) -> tuple[np.ndarray, Bounds]:
    """Centre the rows in float64 and round them to float32.

    Centring changes no distance but makes the numbers smaller, and with them the error; the mean need not be exact.
    For a kind of distance without scores nothing is known, and the bounds are infinite.

    Returns:
        (N, d') float32 values in the order of the positions, d' = d padded; and the bounds that belong to them.
    """
    count, width = rows.features.shape
    scores = SCORES.get(rows.kind)
    if scores is None:
        endless = np.full(count, np.inf, dtype=np.float32)
        return np.zeros((count, LANES), dtype=np.float32), Bounds(-endless, endless)
    mean = sum(rows.scale[i : i + block] @ rows.features[i : i + block] for i in range(0, count, block)) / count
    values = np.zeros((count, -(-width // LANES) * LANES), dtype=np.float32)
    sizes = np.empty(count)
    for first in range(0, count, block):
        part = rows.order[first : first + block]
        stand = values[first : first + block]
        stand[:, :width] = rows.features[part] * rows.scale[part, None] - mean
        sizes[first : first + block] = scores.size(stand.astype(np.float64))
    share, floor = error_of(width, rows.kind)
    slack = share * sizes + floor
    base = sizes if scores.product else np.zeros(count)
    return values, Bounds((base - slack).astype(np.float32), (base + slack).astype(np.float32))


def error_of(width: int, kind: int) -> tuple[float, float]:
    """Error of a distance as a share of each row's size, and a floor for underflow, for `width` features."""
    roundings = SCORES[kind].roundings(width)
    share = roundings * UNIT / (1 - roundings * UNIT)
    return share * (1 + 2**-10), 16 * width * TINY
