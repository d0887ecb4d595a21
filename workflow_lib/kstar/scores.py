"""Score tiles: float32 numbers that are larger for nearer rows.

For EUCLIDEAN the score is the dot product: half the squared distance is h_i + h_j - score, with h half the squared
norm. For CITYBLOCK and CHEBYSHEV it is the negative distance.
"""

import numpy as np

from workflow_lib.kstar.compiled import compiled
from workflow_lib.kstar.pairs import CITYBLOCK, EUCLIDEAN


def score_tile(left: np.ndarray, right: np.ndarray, kind: int, tile: np.ndarray) -> None:
    """Write the scores of float32 rows `left` (n, d) and `right` (m, d) into `tile` (n, m) float32."""
    if kind == EUCLIDEAN:
        np.matmul(left, right.T, out=tile)
    elif kind == CITYBLOCK:
        _cityblock(left, right, tile)
    else:
        _chebyshev(left, right, tile)


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
    """Non-negative floats are ordered like their bits as integers, and compilers vectorise integer maxima."""
    for a in range(len(left)):
        for b in range(len(right)):
            x, y = left[a], right[b]
            largest = np.int32(0)
            for f in range(x.size):
                largest = max(largest, np.float32(abs(x[f] - y[f])).view(np.int32))
            tile[a, b] = -np.int32(largest).view(np.float32)
