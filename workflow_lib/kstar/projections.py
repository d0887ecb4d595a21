"""Two-dimensional maps of features: t-SNE, Isomap, PCA, UMAP (docs/science.md 1.7).

Maps distort neighbourhoods, so k* is computed in the full space instead. All maps are computed by one thread, because
rounding depends on the number of threads and the algorithms amplify rounding differences.
"""

import contextlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from workflow_lib import seeds
from workflow_lib.errors import Problem, UserError

Array = npt.NDArray[np.float64]

TSNE_DIMENSIONS = 50
"""Maximum number of principal components passed to t-SNE (van der Maaten and Hinton 2008, section 4.2: 30)."""

FEWEST_SAMPLES = 5
"""With fewer samples, a neighbourhood is the whole dataset and a map is meaningless."""


def project(features: npt.NDArray[np.floating], method: str, seed: int) -> Array:
    """Coordinates (n, 2) float64 of features (n, d) on a map, n >= 5; equal seeds give equal maps.

    `method`: "tsne" (perplexity 30), "isomap" (10 neighbours), "pca", "umap" (15 neighbours). Perplexity and the
    number of neighbours are reduced if there are too few samples. t-SNE and UMAP start from the principal components,
    which preserves the large-scale arrangement (Kobak and Linderman 2021). Axes have no unit, and only PCA axes have
    meaningful directions. The sign of each PCA and Isomap axis is chosen so that its farthest point is positive. If
    all samples coincide, they are at the origin.

    Raises:
        UserError: the method is unknown, or there are fewer than 5 samples.
    """
    if method not in METHODS:
        raise UserError(Problem("maps", method, f"must be one of {', '.join(METHODS)}", "choose one of these"))
    if len(features) < FEWEST_SAMPLES:
        allowed = f"a map needs at least {FEWEST_SAMPLES} samples"
        raise UserError(Problem("maps", f"{len(features)} samples", allowed, "use more samples or leave maps out"))
    if (features == features[0]).all():
        return np.zeros((len(features), 2))
    centred = features.astype(np.float64) - features.mean(axis=0, dtype=np.float64)
    return METHODS[method](centred / np.abs(centred).max(), seed)


def principal_components(centred: Array, count: int) -> Array:
    """Scores (n, count) of centred data (n, d) on its first principal axes; columns beyond d or n are zero.

    The smaller of the two Gram matrices is decomposed, so the cost depends on the smaller of n and d.
    """
    n, d = centred.shape
    gram = centred.T @ centred if d < n else centred @ centred.T  # (m, m), m = min(n, d)
    found = min(count, len(gram))
    values, vectors = eigh(gram, subset_by_index=(len(gram) - found, len(gram) - 1))
    values, vectors = values[::-1], vectors[:, ::-1]  # largest first
    scores = centred @ vectors if d < n else vectors * np.sqrt(np.maximum(values, 0))
    return np.pad(_positive(scores), ((0, 0), (0, count - found)))


def _positive(points: Array) -> Array:
    """Flip axes so that the entry of largest magnitude is positive: the sign of eigenvectors is arbitrary."""
    farthest = np.abs(points).argmax(axis=0)
    signs = np.where(points[farthest, np.arange(points.shape[1])] < 0, -1.0, 1.0)
    return np.asarray(points * signs)


def _pca(centred: Array, seed: int) -> Array:
    with threadpool_limits(limits=1):
        return principal_components(centred, 2)


def _tsne(centred: Array, seed: int) -> Array:
    from sklearn.manifold import TSNE

    model = TSNE(
        init=(1e-4 * _start(centred, seed)).astype(np.float32),
        perplexity=min(30.0, (len(centred) - 1) / 3),
        random_state=_seed32("tsne", seed),
        n_jobs=1,
    )
    with threadpool_limits(limits=1):
        data = principal_components(centred, TSNE_DIMENSIONS) if centred.shape[1] > TSNE_DIMENSIONS else centred
        return np.asarray(model.fit_transform(data), dtype=np.float64)


def _isomap(centred: Array, seed: int) -> Array:
    from sklearn.manifold import Isomap

    model = Isomap(n_neighbors=min(10, len(centred) - 1), eigen_solver="dense", n_jobs=1)  # dense: no random start
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        # With well-separated classes the neighbour graph is disconnected. scikit-learn joins its components by their
        # shortest links, and warns about this and about changing the sparse matrix.
        warnings.filterwarnings("ignore", message="The number of connected components", category=UserWarning)
        warnings.filterwarnings("ignore", message="Changing the sparsity structure")
        return _positive(np.asarray(model.fit_transform(centred), dtype=np.float64))


def _umap(centred: Array, seed: int) -> Array:
    """UMAP on exact neighbours, so that the result does not depend on the library's approximate search."""
    umap = _import_umap()
    neighbours = min(15, len(centred) - 1)
    with warnings.catch_warnings(), threadpool_limits(limits=1):
        # The library warns about a missing search index, which is needed only to place new points on the map.
        warnings.filterwarnings("ignore", message=r"precomputed_knn\[2\]")
        model = umap.UMAP(
            n_neighbors=neighbours,
            precomputed_knn=_neighbours(centred, neighbours),
            init=_start(centred, seed),
            random_state=_seed32("umap", seed),
            n_jobs=1,
        )
        return np.asarray(model.fit_transform(centred.astype(np.float32)), dtype=np.float64)


def _import_umap() -> Any:
    """Import UMAP and cache the compiled code of its two slowest functions, which saves 5 s per process."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Tensorflow not installed", category=ImportWarning)
        import pynndescent
        import umap

        from workflow_lib.kstar.compiled import machine_code_below
    for function in (umap.umap_.smooth_knn_dist, umap.umap_.compute_membership_strengths):
        # Without a writable folder, every process compiles them again.
        name = f"umap-{umap.__version__}-{pynndescent.__version__}"
        with contextlib.suppress(RuntimeError), machine_code_below(name):
            function.enable_caching()
    return umap


def _neighbours(points: Array, count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Indices and distances (n, count) of the nearest samples, each sample itself first."""
    from sklearn.neighbors import NearestNeighbors

    distances, indices = NearestNeighbors(n_neighbors=count - 1).fit(points).kneighbors()
    own = np.arange(len(points))[:, None]
    return np.hstack([own, indices]), np.pad(distances, ((0, 0), (1, 0))).astype(np.float32)


def _start(centred: Array, seed: int) -> Array:
    """First two principal components, the first with variance 1, plus slight noise to separate coinciding samples."""
    with threadpool_limits(limits=1):
        components = principal_components(centred, 2)
    noise = seeds.generator("map", seed, "start").normal(size=components.shape)
    return np.asarray(components / components[:, 0].std() + 1e-4 * noise)


def _seed32(method: str, seed: int) -> int:
    """Seed in the 32-bit range that scikit-learn and UMAP take."""
    return seeds.derive("map", seed, method) % 2**32


METHODS: dict[str, Callable[[Array, int], Array]] = {"tsne": _tsne, "isomap": _isomap, "pca": _pca, "umap": _umap}
"""Functions that compute a map from centred features (n, d) of largest magnitude 1, and a seed."""
