"""Approximate k*, opt-in: the nearest neighbours of each sample are searched by NN-descent (Dong, Moses & Li 2011).

Only which neighbours a list holds is approximate: distances and ties are decided as in `exact`. A list that ends before
a foreign sample gives a lower bound of kappa, if the search missed no neighbour nearer than its end.
"""

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from workflow_lib import seeds
from workflow_lib.kstar.compiled import compiled
from workflow_lib.kstar.inputs import check
from workflow_lib.kstar.pairs import Nearest, Rows, count_pairs, distance_between, search_pairs
from workflow_lib.kstar.rows import in_units, rows_of
from workflow_lib.progress import Progress

if TYPE_CHECKING:
    import numpy.typing as npt

    from workflow_lib.names import Metric

NAMES = {"euclidean": "euclidean", "cityblock": "manhattan", "chebyshev": "chebyshev", "cosine": "cosine"}
"""The metrics as pynndescent calls them."""
BLOCK = 2**22
"""Pairs that are held at a time: 64 MB."""


@dataclass(frozen=True)
class ApproximateResult:
    """Approximate k*, a row per sample in the caller's order, and the exact kappa of some samples.

    Attributes:
        kappa: (N,) int64, 1 to the size of the sample's class; a lower bound where `censored`.
        kstar: (N,) float64, kappa divided by that size, in (0, 1].
        nearest_foreign: (N,) int64, row of the nearest foreign sample of the list; -1 where `censored`.
        nearest_foreign_distance: (N,) float64, in the units of the features; NaN where `censored`.
        censored: (N,) bool, whether the list ends before a foreign sample.
        checked: (m,) int64, rows whose exact kappa was computed, a stratified sample.
        exact_kappa: (m,) int64, theirs.
    """

    kappa: np.ndarray
    kstar: np.ndarray
    nearest_foreign: np.ndarray
    nearest_foreign_distance: np.ndarray
    censored: np.ndarray
    checked: np.ndarray
    exact_kappa: np.ndarray

    @property
    def agrees(self) -> "npt.NDArray[np.bool_]":
        """(m,) whether kappa of a checked row is the exact one, or a true lower bound if it is censored."""
        kappa, censored = self.kappa[self.checked], self.censored[self.checked]
        agrees: npt.NDArray[np.bool_] = np.where(censored, kappa <= self.exact_kappa, kappa == self.exact_kappa)
        return agrees


def approximate(
    features: "npt.ArrayLike",
    labels: "npt.ArrayLike",
    metric: "Metric" = "euclidean",
    *,
    neighbours: int = 200,
    checks: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> ApproximateResult:
    """k* from lists of the nearest neighbours of each sample, the same for the same seed on one machine.

    Args:
        features: as for `exact.neighbourhood`, with the same errors; so are the next two.
        labels: one for each sample.
        metric: one of `names.METRICS`.
        neighbours: length of a list, without the sample itself; at most all others are listed.
        checks: about so many samples are compared with all others, for their exact kappa.
        seed: of the search and of the choice of these samples.
        progress: called with the samples checked and to be checked, after the search.
    """
    samples = check(features, labels, metric)
    rows = rows_of(samples, metric)
    sizes = np.diff(samples.starts)
    class_size = np.repeat(sizes, sizes)  # (N,), by position, as all that follows
    nearest, nearer = _kappa_of_lists(rows, _lists(rows, NAMES[metric], neighbours, seed))
    checked = seeds.sample_rows(np.repeat(np.arange(len(sizes)), sizes), checks, seed)
    exact = _exact_kappa(rows, checked, progress)
    censored = np.isinf(nearest.distance)
    distance = np.where(censored, np.nan, in_units(nearest.distance, rows, metric))
    place = np.argsort(samples.order)  # position of each of the caller's rows
    return ApproximateResult(
        kappa=(nearer + 1)[place],
        kstar=((nearer + 1) / class_size)[place],
        nearest_foreign=nearest.row[place],
        nearest_foreign_distance=distance[place],
        censored=censored[place],
        checked=samples.order[checked],
        exact_kappa=exact,
    )


def _lists(rows: Rows, metric: str, neighbours: int, seed: int) -> np.ndarray:
    """Positions of the nearest neighbours of each position, (N, neighbours + 1) with itself; -1 for none."""
    from pynndescent import NNDescent

    seed32 = seeds.derive("neighbours", seed) % 2**32
    points = (rows.features * rows.scale[:, None])[rows.order].astype(np.float32)
    count = min(neighbours + 1, len(points))
    with warnings.catch_warnings():
        # A list may come out shorter, for example among many duplicates: then it is censored earlier.
        warnings.filterwarnings("ignore", "Failed to correctly find n_neighbors")
        index = NNDescent(points, metric, n_neighbors=count, random_state=seed32, n_jobs=1)
    found: np.ndarray = index.neighbor_graph[0]
    return found


def _kappa_of_lists(rows: Rows, lists: np.ndarray) -> tuple[Nearest, np.ndarray]:
    """The nearest foreign sample of each list, and the number of its own class that are certainly nearer.

    Of a list without a foreign sample these are all but the last and its ties: a foreign one may be as near as that.
    """
    count, length = lists.shape
    nearest, nearer, farthest = _nothing_found(count), np.zeros(count, np.int64), np.zeros(count)
    step = max(BLOCK // length, 1)
    for start in range(0, count, step):
        block = np.arange(start, min(start + step, count))
        i, j = np.repeat(block, length), lists[block].ravel().astype(np.int64)
        listed = (j >= 0) & (j != i)
        i, j = i[listed], j[listed]
        own = rows.class_end[i] == rows.class_end[j]
        search_pairs(i[~own], j[~own], nearest, rows)
        alone = np.isinf(nearest.distance[i])
        _farthest(i[alone], j[alone], farthest, rows)
        ends = nearest._replace(distance=np.where(np.isinf(nearest.distance), farthest, nearest.distance))
        count_pairs(i[own], j[own], ends, rows, nearer)
    return nearest, nearer


@compiled()
def _farthest(i: np.ndarray, j: np.ndarray, farthest: np.ndarray, rows: Rows) -> None:
    """Raise `farthest` of positions i, (N,) float64, to the distance of positions j; both (n,) int64."""
    for pair in range(i.size):
        farthest[i[pair]] = max(farthest[i[pair]], distance_between(rows, i[pair], j[pair]))


def _exact_kappa(rows: Rows, checked: np.ndarray, progress: Progress | None) -> np.ndarray:
    """Exact kappa of these positions, each compared with all others."""
    count = len(rows.order)
    nearest, nearer = _nothing_found(count), np.zeros(count, np.int64)
    for done, position in enumerate(checked, start=1):
        own = rows.class_end == rows.class_end[position]
        foreign = np.flatnonzero(~own)
        own[position] = False
        inside = np.flatnonzero(own)
        search_pairs(np.full(len(foreign), position), foreign, nearest, rows)
        count_pairs(np.full(len(inside), position), inside, nearest, rows, nearer)
        if progress is not None:
            progress(done, len(checked))
    exact: np.ndarray = nearer[checked] + 1
    return exact


def _nothing_found(count: int) -> Nearest:
    return Nearest(np.full(count, np.inf), np.full(count, -1, np.int64), np.full(count, np.inf, np.float32))
