"""The neighbour distribution: of which classes the nearest neighbours of each class are (docs/science.md 1.7)."""

import numpy as np
import numpy.typing as npt

from workflow_lib.errors import Problem, UserError
from workflow_lib.kstar.directions import not_defined, zero_rows
from workflow_lib.names import METRICS, Metric
from workflow_lib.progress import Progress
from workflow_lib.seeds import sample_rows

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

BY_PRODUCT = ("euclidean", "cosine")
"""Metrics whose nearest neighbours a matrix product finds; SciPy computes the distances of the others, by name."""

QUERIES = 20_000
"""The neighbours of at most about this many samples are looked for, always among all samples."""

BLOCK_BYTES = 64 * 2**20
"""Aim for the size of one block of distances."""

PAIRS = 2**16
"""Number of pairs whose differences are held at a time."""


def neighbour_classes(
    features: npt.NDArray[np.floating],
    labels: npt.NDArray[np.integer],
    n_classes: int,
    k: int = 10,
    metric: Metric = "euclidean",
    *,
    progress: Progress | None = None,
) -> Array:
    """Share of each class among the neighbours of each class's members, (n_classes, n_classes) float64.

    Entry [a, b] is the share of class b among the k nearest neighbours of the members of class a; every row sums
    to 1. A row is NaN when the class has no samples. A sample is never its own neighbour, but its duplicates are.
    Neighbours tied for the last place share what is left of the k places equally, so that the order of the samples
    does not matter; k shrinks to what there is. Neighbours are exact with respect to float64 distances. Above
    20,000 samples the members asked are a stratified sample of that size, the same in every run.

    Args:
        features: (n, d) finite.
        labels: (n,) in 0 ... n_classes - 1.
        n_classes: number of classes, those without samples too.
        k: number of neighbours of each sample.
        metric: one of `names.METRICS`; cosine is not defined for a sample of zeros.
        progress: called with the number of members done and asked.

    Raises:
        UserError: unknown metric, fewer than two samples, or a sample of zeros with cosine.
    """
    points = _prepare(features, metric)
    k = min(k, len(points) - 1)
    asked = sample_rows(labels, QUERIES, seed=0)
    counts = np.zeros((n_classes, n_classes))
    step = max(BLOCK_BYTES // points[:, 0].nbytes, 1)
    for start in range(0, len(asked), step):
        block = asked[start : start + step]
        if metric in BY_PRODUCT:
            rows, columns, distances = _near_by_product(points, block, k)
        else:
            rows, columns, distances = _near(_distances(points, block, metric), k)
        np.add.at(counts, (labels[block][rows], labels[columns]), _weights(rows, distances, k))
        if progress:
            progress(start + len(block), len(asked))
    members = np.bincount(labels[asked], minlength=n_classes)[:, None]  # (n_classes, 1)
    return np.divide(counts, k * members, out=np.full_like(counts, np.nan), where=members > 0)


def _prepare(features: npt.NDArray[np.floating], metric: Metric) -> Array:
    """Features in float64; for cosine with length 1, where Euclidean distance gives the same order."""
    if metric not in METRICS:
        allowed = f"must be one of {', '.join(METRICS)}"
        raise UserError(Problem("metric", metric, allowed, "choose one of these"))
    if len(features) < 2:
        raise UserError(Problem("features", f"{len(features)} samples", "neighbours need two", "give more samples"))
    points = features.astype(np.float64)
    if metric != "cosine":
        return points
    if len(zero := zero_rows(points)):
        raise UserError(not_defined(zero))
    points /= np.abs(points).max(axis=1, keepdims=True)
    return np.asarray(points / np.linalg.norm(points, axis=1, keepdims=True))


def _distances(points: Array, block: Rows, metric: Metric) -> Array:
    """All distances (rows, n) of the samples in `block`; a sample is infinitely far from itself."""
    from scipy.spatial.distance import cdist

    distances = np.asarray(cdist(points[block], points, metric))
    distances[np.arange(len(block)), block] = np.inf
    return distances


def _near(distances: Array, k: int, slack: float | Array = 0.0) -> tuple[Rows, Rows, Array]:
    """Row, column and distance of all entries up to the k-th smallest of their row plus `slack`; rows ascend."""
    limit = np.partition(distances, k - 1, axis=1)[:, k - 1 : k] + slack  # (rows, 1)
    rows, columns = np.nonzero(distances <= limit)
    return rows, columns, distances[rows, columns]


def _near_by_product(points: Array, block: Rows, k: int) -> tuple[Rows, Rows, Array]:
    """The same for Euclidean distance, some ten times faster: a matrix product finds candidates, differences decide.

    With r = ‖x‖ + ‖y‖ of the centred samples, ‖x‖² + ‖y‖² − 2x·y and the sum of squared differences are both within
    (d + 8) ε r² / 2 of the truth, ε = 2⁻⁵²: d + 2 roundings of a sum of products in any order, three of the additions
    and two of the centring (Higham 2002, section 3.1). No true neighbour is farther out than twice their sum.
    """
    centred = points - points.mean(axis=0)
    squares = np.einsum("nd,nd->n", centred, centred)
    screen = squares[block, None] + squares - 2 * (centred[block] @ centred.T)  # (rows, n)
    screen[np.arange(len(block)), block] = np.inf
    reach = np.sqrt(squares[block, None]) + np.sqrt(squares.max())
    slack = 2 * (points.shape[1] + 8) * np.finfo(np.float64).eps * reach**2
    rows, columns, distances = _near(screen, k, slack)
    for start in range(0, len(rows), PAIRS):
        part = slice(start, start + PAIRS)
        difference = points[block[rows[part]]] - points[columns[part]]
        distances[part] = np.einsum("pd,pd->p", difference, difference)
    return rows, columns, distances


def _weights(rows: Rows, distances: Array, k: int) -> Array:
    """Weight of each pair: 1 when nearer than the k-th of its row, an equal share of the places left when tied, or 0.

    Every row number from 0 on occurs at least k times, in ascending order.
    """
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    order = np.lexsort((distances, rows))
    kth = distances[order][starts + k - 1][rows]
    closer, tied = np.bincount(rows, distances < kth), np.bincount(rows, distances == kth)
    share = (k - closer) / tied
    return np.where(distances == kth, share[rows], np.where(distances < kth, 1.0, 0.0))
