"""Approximate k*: exact where the lists are, a lower bound where they end too early, and honest about the rest."""

import numpy as np
import pytest
import xarray as xr
from kstar_cases import METRICS, brute_force, cases, distances

from workflow_lib.io import storage
from workflow_lib.kstar import approximate as module
from workflow_lib.kstar.approximate import approximate
from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.kstar.tables import class_table
from workflow_lib.points import DIMENSIONS
from workflow_lib.steps.approximate_kstar import approximate_kstar

CASES = ("normal", "clusters", "duplicates", "quantised", "class of one", "every class of one", "two samples")


@pytest.fixture
def perfect(monkeypatch):
    """The search finds the true neighbours, so that only what is made of the lists is tested."""

    def lists(rows, metric, neighbours, seed):
        names = {value: key for key, value in module.NAMES.items()}
        between = distances(rows.features[rows.order], names[metric])
        return np.argsort(between, axis=1, kind="stable")[:, : neighbours + 1].astype(np.int32)

    monkeypatch.setattr(module, "_lists", lists)


def test_a_line_by_hand(perfect):
    """Class a at 0, 1, 2, 10 and b at 11, 12; the lists have two neighbours.

    0 has 1 and 2, all of a: a foreign sample may be as near as 2, so kappa is at least 2 (it is 4). 1 has 0 and 2,
    equally near: at least 1. 2 has 1 and 0: at least 2. 10 has b at 11 first: kappa 1. 11 has 10 and 12, equally near:
    the foreign one comes first, 1. 12 has 11, then 10: kappa 2.
    """
    found = approximate([[0], [1], [2], [10], [11], [12]], list("aaaabb"), neighbours=2)
    assert found.kappa.tolist() == [2, 1, 2, 1, 1, 2]
    assert found.censored.tolist() == [True] * 3 + [False] * 3
    np.testing.assert_allclose(found.kstar, [0.5, 0.25, 0.5, 0.25, 0.5, 1])
    assert found.nearest_foreign.tolist() == [-1, -1, -1, 4, 3, 3]
    np.testing.assert_array_equal(found.nearest_foreign_distance, [np.nan, np.nan, np.nan, 1, 1, 2])
    assert found.exact_kappa.tolist() == [4, 4, 4, 1, 1, 2]
    assert found.agrees.all()


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", CASES)
def test_from_true_lists_kappa_is_exact_or_a_bound(perfect, name, metric):
    features, labels = cases()[name]
    kappa, foreign = brute_force(features, labels, metric)
    for neighbours in (2, 20, len(labels)):
        found = approximate(features, labels, metric, neighbours=neighbours, checks=50)
        np.testing.assert_array_equal(found.exact_kappa, kappa[found.checked])
        np.testing.assert_array_equal(found.kappa[~found.censored], kappa[~found.censored])
        assert (found.kappa <= kappa).all()
        if neighbours == len(labels):
            assert not found.censored.any()
            np.testing.assert_array_equal(found.nearest_foreign, foreign)
    exact = neighbourhood(features, labels, metric)
    np.testing.assert_array_equal(found.nearest_foreign_distance, exact.nearest_foreign_distance)
    np.testing.assert_array_equal(found.kstar, exact.kstar)


def test_wrong_lists_do_not_agree(monkeypatch):
    """Control: random lists; and lists that miss the foreign sample at 1, so that the bounds of 0 and 5 are wrong."""
    features, labels = cases()["clusters"]
    rng = np.random.default_rng(0)
    monkeypatch.setattr(module, "_lists", lambda *_: rng.integers(-1, len(labels), (len(labels), 20)))
    assert approximate(features, labels).agrees.mean() < 0.5
    monkeypatch.setattr(module, "_lists", lambda *_: np.array([[1, 2], [0, 2], [1, 0], [0, 1]]))
    found = approximate([[0], [5], [9], [1]], [0, 0, 0, 1])
    assert found.kappa.tolist() == [2, 2, 2, 1]
    assert found.censored.tolist() == [True, True, True, False]
    assert found.exact_kappa.tolist() == [1, 1, 2, 1]
    assert found.agrees.tolist() == [False, False, True, True]


def searched(metric, count=600, neighbours=30):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 40, count)
    features = rng.standard_normal((count, 8)) + 2 * rng.standard_normal((40, 8))[labels]
    return features, labels, approximate(features, labels, metric, neighbours=neighbours, checks=100, seed=1)


def rightness(features, labels, metric, found):
    """Whether each kappa is the exact one, or a true lower bound if it is censored."""
    kappa, _ = brute_force(features, labels, metric)
    np.testing.assert_array_equal(found.exact_kappa, kappa[found.checked])
    return np.where(found.censored, found.kappa <= kappa, found.kappa == kappa)


def test_the_search_finds_nearly_all_and_the_same_twice():
    features, labels, found = searched("euclidean")
    right = rightness(features, labels, "euclidean", found)
    assert right.mean() > 0.99
    assert abs(found.agrees.mean() - right.mean()) < 0.02
    again = searched("euclidean")[2]
    for name in ("kappa", "censored", "nearest_foreign", "checked"):
        np.testing.assert_array_equal(getattr(found, name), getattr(again, name))


class Exhaustive:
    """In the place of pynndescent's search, which is compiled for seconds for each metric: all of its distances."""

    def __init__(self, points, metric, n_neighbors, random_state, n_jobs):
        from pynndescent.distances import named_distances  # here, because most tests need none

        between = named_distances[metric]
        found = [[between(one, other) for other in points] for one in points]
        self.neighbor_graph = (np.argsort(found, axis=1, kind="stable")[:, :n_neighbors],)


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_is_searched_by_its_own_distance(monkeypatch, metric):
    monkeypatch.setattr("pynndescent.NNDescent", Exhaustive)
    features, labels, found = searched(metric, count=200, neighbours=8)
    assert not found.censored.all()
    assert rightness(features, labels, metric, found).all()


def test_the_store_and_the_table_say_what_is_known(tmp_path, perfect):
    features = np.array([[0.0], [1], [2], [10], [11], [12]])
    labels = np.array([0, 0, 0, 0, 1, 1])
    coords = {"sample": list("abcdef"), "label": ("sample", labels), "class": ["a", "b"]}
    storage.save(xr.Dataset({"features": (("sample", "feature"), features)}, coords), tmp_path / "f.zarr.zip")
    spec = {"metric": "euclidean", "neighbours": 2, "check": 100, "seed": 0}
    approximate_kstar(spec=spec, features=tmp_path / "f.zarr.zip", kstar=tmp_path / "k.zarr.zip")
    store = storage.load(tmp_path / "k.zarr.zip")
    assert store["censored"].dtype == bool
    assert store["piece"].values.tolist() == [-1] * 6
    assert (store.attrs["neighbours"], store.attrs["checked"], store.attrs["agreed"]) == (2, [4, 2], [4, 2])
    table = class_table([dict.fromkeys(DIMENSIONS, 0)], [store])
    assert table["censored"].tolist() == [3, 0]
    assert table["agreement"].tolist() == [1, 1]
