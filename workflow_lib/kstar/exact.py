"""Exact k*: the rank of the nearest sample of another class, without sorting and without an N x N matrix.

kappa_i = 1 + number of samples of i's class that are nearer to i than the nearest foreign one (docs/science.md 1.1).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workflow_lib.kstar.inputs import Metric, check
from workflow_lib.kstar.pairs import Nearest, Rows
from workflow_lib.kstar.rows import in_units, rows_of
from workflow_lib.kstar.sweep import available_threads, sweep
from workflow_lib.progress import Progress


@dataclass(frozen=True)
class KStarResult:
    """k* and the nearest foreign sample of each sample, in the caller's order; never NaN.

    Attributes:
        kappa: (N,) int64, from 1 to the size of the sample's class; k* = kappa / n_c.
        nearest_foreign: (N,) int64, row of the nearest sample of another class; for ties, the lowest row.
        nearest_foreign_distance: (N,) float64, in the units of the features; for cosine 1 - cos, from 0 to 2.
    """

    kappa: np.ndarray
    nearest_foreign: np.ndarray
    nearest_foreign_distance: np.ndarray


def kstar(features: npt.ArrayLike, labels: npt.ArrayLike, metric: Metric = "euclidean") -> npt.NDArray[np.int64]:
    """Kappa of every sample, (N,) int64, from 1 to the size of its class; arguments and errors as `neighbourhood`."""
    return neighbourhood(features, labels, metric).kappa


def neighbourhood(
    features: npt.ArrayLike,
    labels: npt.ArrayLike,
    metric: Metric = "euclidean",
    *,
    device: str = "cpu",
    threads: int | None = None,
    progress: Progress | None = None,
) -> KStarResult:
    """Compute k* and the nearest foreign sample of each sample.

    The result is identical to that of float64 distances from direct differences; docs/appendix/kstar-exactness.md has
    the proof. In a tie, the foreign sample counts as nearer than one of the own class, so an exact duplicate in another
    class gives kappa 1. Each sample is excluded from its own neighbours by index, not by distance.

    Args:
        features: (N, d) real numbers; float32 and float64 are used as given, other types are converted to float64.
        labels: (N,) integers or strings; a class of one sample has kappa 1.
        metric: "euclidean", "cityblock", "chebyshev" or "cosine".
        device: "cpu", or "cuda" to compute the float32 tiles on a GPU; the result is the same.
        threads: CPU threads; None uses OMP_NUM_THREADS or, without it, the cores available to this process.
        progress: called with the number of finished tiles and of all tiles.

    Raises:
        UserError: only one class, a non-finite feature, a zero vector with cosine, different lengths, or an unknown
            metric; the message contains the value found.
    """
    samples = check(features, labels, metric)
    rows = rows_of(samples, metric)
    nearest, nearer = _sweep(rows, samples.starts, device, threads, progress)
    count = len(samples.order)
    kappa, foreign, distance = np.empty(count, np.int64), np.empty(count, np.int64), np.empty(count)
    kappa[samples.order] = nearer + 1
    foreign[samples.order] = nearest.row
    distance[samples.order] = in_units(nearest.distance, rows, metric)
    return KStarResult(kappa, foreign, distance)


def _sweep(
    rows: Rows, starts: np.ndarray, device: str, threads: int | None, progress: Progress | None
) -> tuple[Nearest, np.ndarray]:
    if device == "cpu":
        return sweep(rows, starts, threads=threads or available_threads(), progress=progress)
    from workflow_lib.kstar.accelerator import sweep_on

    return sweep_on(device, rows, starts, progress=progress)
