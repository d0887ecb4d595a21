"""The nearest neighbours of samples, against all distances by SciPy."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from workflow_lib.kstar import nearest as module
from workflow_lib.kstar.nearest import nearest

METRICS = ("euclidean", "cityblock", "chebyshev", "cosine")


def by_all_distances(points, asked, k, metric):
    """Rows of the k nearest, of equal ones the lower first."""
    away = cdist(points[asked].astype(float), points.astype(float), metric)
    away[np.arange(len(asked)), asked] = np.inf
    return np.lexsort((np.broadcast_to(np.arange(len(points)), away.shape), away), axis=1)[:, :k]


def test_by_hand():
    points = np.array([[0.0], [1.0], [2.5], [2.0], [9.0]])
    assert nearest(points, np.array([3, 0]), 2, "euclidean").tolist() == [[2, 1], [1, 3]]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbours_are_those_of_all_distances(metric, dtype, monkeypatch):
    monkeypatch.setattr(module, "TILE", 64)  # several tiles, the last one shorter
    random = np.random.default_rng(0)
    points = (random.normal(size=(300, 5)) + 10).astype(dtype)
    for asked in (random.permutation(300), np.array([3, 299, 0]), random.permutation(300)[:100]):
        np.testing.assert_array_equal(nearest(points, asked, 4, metric), by_all_distances(points, asked, 4, metric))


@pytest.mark.parametrize("metric", METRICS[:3])
def test_of_equally_near_samples_the_lower_row_comes_first(metric, monkeypatch):
    monkeypatch.setattr(module, "TILE", 64)
    points = np.array([(x, y) for x in range(15) for y in range(15)], dtype=np.float32)
    points = np.random.default_rng(0).permutation(points)
    asked = np.arange(len(points))
    np.testing.assert_array_equal(nearest(points, asked, 6, metric), by_all_distances(points, asked, 6, metric))


def test_samples_that_float32_cannot_tell_apart(monkeypatch):
    """Two clusters far from each other: inside them the bounds decide nothing, and more candidates come than fit."""
    monkeypatch.setattr(module, "TILE", 64)
    random = np.random.default_rng(0)
    points = np.where(np.arange(400)[:, None] % 2, 1e4, -1e4) + random.normal(size=(400, 3)) * 1e-6
    asked = np.arange(400)
    np.testing.assert_array_equal(
        nearest(points, asked, 5, "euclidean"), by_all_distances(points, asked, 5, "euclidean")
    )


def test_duplicates_are_neighbours_but_no_sample_is_its_own():
    for count in (6, 200):
        found = nearest(np.zeros((count, 2), "float32"), np.arange(count), 3, "euclidean")
        assert all(row not in others for row, others in enumerate(found.tolist()))
        assert all(len(set(others)) == 3 for others in found.tolist())
