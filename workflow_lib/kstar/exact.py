"""Exact k*: the rank of the nearest sample of another class, without a sort and without an N x N matrix.

kappa_i = 1 + number of samples of i's class that are nearer to i than the nearest foreign one (docs/science.md 1.1).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workflow_lib.kstar.inputs import check
from workflow_lib.kstar.metrics import SCORES
from workflow_lib.kstar.pairs import Rows
from workflow_lib.kstar.pieces import numbered
from workflow_lib.kstar.rows import in_units, rows_of
from workflow_lib.kstar.sweep import Swept, available_threads, sweep
from workflow_lib.progress import Progress

if TYPE_CHECKING:
    import numpy.typing as npt

    from workflow_lib.names import Metric


@dataclass(frozen=True)
class KStarResult:
    """k* and what it was measured against, a row per sample in the caller's order; nothing is ever NaN.

    Attributes:
        kappa: (N,) int64, 1 to the size of the sample's class.
        kstar: (N,) float64, kappa divided by that size, in (0, 1].
        nearest_foreign: (N,) int64, row of the nearest sample of another class; of equally near ones the lowest.
        nearest_foreign_distance: (N,) float64, in the units of the features; for cosine 1 - cos, 0 to 2.
        piece: (N,) int64, number of the sample's piece within its class, 0 the largest (docs/science.md 1.9).
    """

    kappa: np.ndarray
    kstar: np.ndarray
    nearest_foreign: np.ndarray
    nearest_foreign_distance: np.ndarray
    piece: np.ndarray


def kstar(
    features: "npt.ArrayLike", labels: "npt.ArrayLike", metric: "Metric" = "euclidean"
) -> "npt.NDArray[np.float64]":
    """k* of every sample, (N,) float64 in (0, 1]: its kappa divided by the size of its class.

    Args:
        features: (N, d) real numbers; float32 and float64 are used as given, others as float64.
        labels: (N,) integers, strings or bytes.
        metric: "euclidean", "cityblock", "chebyshev" or "cosine".

    Raises:
        UserError: as `neighbourhood`, which also gives kappa and the nearest foreign samples, and can use a GPU.

    Examples:
        >>> from latent_atlas import kstar
        >>> features = [[0.0], [1.0], [2.0], [2.5], [9.0]]
        >>> kstar(features, ["cat", "cat", "cat", "dog", "dog"]).round(2)
        array([1.  , 1.  , 0.33, 0.5 , 1.  ])
    """
    return neighbourhood(features, labels, metric).kstar


def neighbourhood(
    features: "npt.ArrayLike",
    labels: "npt.ArrayLike",
    metric: "Metric" = "euclidean",
    *,
    device: str = "cpu",
    threads: int | None = None,
    progress: Progress | None = None,
) -> KStarResult:
    """k* and the nearest foreign sample, equal to what float64 distances by direct difference give.

    A foreign sample at exactly the distance of one of the own class counts as nearer, so an exact duplicate in another
    class gives kappa 1. The sample itself is left out by identity. docs/appendix/kstar-exactness.md proves it.

    Args:
        features: (N, d) real numbers; float32 and float64 are used as given, others as float64.
        labels: (N,) integers, strings or bytes; a class of one sample has kappa 1.
        metric: "euclidean", "cityblock", "chebyshev" or "cosine".
        device: "cpu", or "cuda" to compute there, which needs PyTorch; the result is the same.
        threads: CPU threads; None takes OMP_NUM_THREADS, else the cores of this process.
        progress: called with the tiles done and in all.

    Raises:
        UserError: one class only, a non-finite feature, a zero vector under cosine, lengths that differ, an unknown
            metric, values of which NumPy makes no array; each names what was found.

    Examples:
        >>> from latent_atlas import neighbourhood
        >>> features = [[0.0], [1.0], [2.0], [2.5], [9.0]]
        >>> found = neighbourhood(features, ["cat", "cat", "cat", "dog", "dog"])
        >>> found.kappa  # the dog at 2.5 is nearer to the cat at 2.0 than any cat
        array([3, 3, 1, 1, 2])
        >>> found.nearest_foreign
        array([3, 3, 3, 2, 2])
        >>> found.nearest_foreign_distance
        array([2.5, 1.5, 0.5, 0.5, 7. ])
    """
    samples = check(features, labels, metric, device)
    rows = rows_of(samples, metric)
    nearest, nearer, parent = _sweep(rows, samples.starts, device, threads, progress)
    count = len(samples.order)
    kappa, foreign = np.empty(count, np.int64), np.empty(count, np.int64)
    share, distance = np.empty(count), np.empty(count)
    sizes = np.diff(samples.starts)
    kappa[samples.order] = nearer + 1
    share[samples.order] = (nearer + 1) / np.repeat(sizes, sizes)
    foreign[samples.order] = nearest.row
    distance[samples.order] = in_units(nearest.distance, rows, metric)
    return KStarResult(kappa, share, foreign, distance, numbered(parent, samples.order, rows.class_end))


def _sweep(rows: Rows, starts: np.ndarray, device: str, threads: int | None, progress: Progress | None) -> Swept:
    if device == "cpu" or rows.kind not in SCORES:
        return sweep(rows, starts, threads=threads or available_threads(), progress=progress)
    from workflow_lib.kstar.accelerator import sweep_on

    return sweep_on(device, rows, starts, progress=progress)
