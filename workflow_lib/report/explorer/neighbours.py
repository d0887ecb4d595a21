"""Nearest neighbours of samples in the space of their features."""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


def nearest(features: npt.NDArray[np.floating], asked: Rows, k: int, metric: str) -> Rows:
    """Rows (len(asked), k) of the k nearest samples of each sample asked, nearest first; k <= n - 1.

    A sample is not its own neighbour, its duplicates are. Of equally near samples any may come first: rounding in the
    distances decides, as they come from matrix products. Memory: one copy of the features for cosine, else blocks.

    Args:
        features: (n, d) finite; no row of zeros for cosine.
        asked: rows whose neighbours are wanted.
        k: number of neighbours.
        metric: one of `names.METRICS`.
    """
    from sklearn.neighbors import NearestNeighbors

    points = features
    if metric == "cosine":  # Euclidean distance gives the same order for vectors of length 1, and is far faster
        points = features / np.linalg.norm(features, axis=1, keepdims=True)
    search = NearestNeighbors(algorithm="brute", metric="euclidean" if metric == "cosine" else metric).fit(points)
    found = search.kneighbors(points[asked], n_neighbors=k + 1, return_distance=False)
    own = found == asked[:, None]
    own[~own.any(axis=1), -1] = True  # more than k duplicates: the last one is left out instead
    return np.asarray(found[~own].reshape(len(asked), k), dtype=np.int64)
