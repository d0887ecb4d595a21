"""Dissimilarity of boundary images to one another: by hand, against scipy, and its properties."""

import numpy as np
import pytest
import xarray as xr
from scipy.spatial.distance import cosine

from workflow_lib.dissimilarity import cosine as blocks
from workflow_lib.prototypes.boundary_tables import dissimilarities_between, dissimilarity_table
from workflow_lib.prototypes.tables import POINT

N = 5


@pytest.fixture
def images():
    """Features (target, origin, feature) of all pairs, NaN on the diagonal, and which are counted: not two of them."""
    features = np.random.default_rng(0).random((N, N, 7), dtype=np.float32)
    counted = ~np.eye(N, dtype=bool)
    counted[0, 1] = counted[3, 2] = False
    features[np.arange(N), np.arange(N)] = features[0, 1] = np.nan
    return features, counted


def listed(features, counted):
    """All dissimilarities by relation, each pair of images once."""
    at = [(k, j) for k in range(len(features)) for j in range(len(features)) if counted[k, j]]
    found = {"same_origin": [], "same_target": [], "both_directions": []}
    for a, (k, j) in enumerate(at):
        for m, i in at[:a]:
            value = cosine(features[k, j].astype(float), features[m, i].astype(float))
            if i == j:
                found["same_origin"].append(value)
            if m == k:
                found["same_target"].append(value)
            if (m, i) == (j, k):
                found["both_directions"].append(value)
    return {name: (len(values), np.mean(values), np.std(values)) for name, values in found.items()}


def test_three_classes_by_hand():
    east, north, west = [1.0, 0.0], [0.0, 2.0], [-3.0, 0.0]
    nan = [np.nan, np.nan]
    features = np.array([[nan, east, north], [west, nan, north], [north, east, nan]])  # by target and origin
    found = dissimilarities_between(features, ~np.eye(3, dtype=bool))
    # Of origin 0: west, north: 1. Of origin 1: east, east: 0. Of origin 2: north, north: 0.
    assert found["same_origin"] == pytest.approx((3, 1 / 3, np.std([1, 0, 0])))
    # To target 0: east, north: 1. To target 1: west, north: 1. To target 2: north, east: 1.
    assert found["same_target"] == pytest.approx((3, 1, 0))
    # 0 and 1: east, west: 2. 0 and 2: north, north: 0. 1 and 2: north, east: 1.
    assert found["both_directions"] == pytest.approx((3, 1, np.std([2, 0, 1])))


def test_it_equals_a_loop_over_all_pairs(images):
    found, expected = dissimilarities_between(*images), listed(*images)
    assert found.keys() == expected.keys()
    for name, numbers in expected.items():
        assert found[name] == pytest.approx(numbers, abs=1e-12), name
    assert expected["both_directions"][0] == N * (N - 1) / 2 - 2


def test_blocks_do_not_matter(images, monkeypatch):
    whole = dissimilarities_between(*images)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1)
    for name, numbers in dissimilarities_between(*images).items():
        assert numbers == pytest.approx(whole[name], abs=1e-14)


def test_lengths_and_order_of_classes_do_not_matter_but_directions_do(images):
    features, counted = images
    whole, order = dissimilarities_between(features, counted), np.array([3, 0, 4, 1, 2])
    scaled = features * np.random.default_rng(1).uniform(0.1, 9, (N, N, 1))
    changed = dissimilarities_between(scaled[order][:, order], counted[order][:, order])
    turned = dissimilarities_between(features.swapaxes(0, 1), counted.T)
    for name, numbers in whole.items():
        assert changed[name] == pytest.approx(numbers, abs=1e-7)
    assert turned["same_origin"] == pytest.approx(whole["same_target"])
    assert turned["same_target"] == pytest.approx(whole["same_origin"])
    assert whole["same_origin"][1] != pytest.approx(whole["same_target"][1], abs=1e-4)


def test_without_pairs_there_is_no_mean(images):
    features, counted = images
    features[1, 0] = 0  # no direction
    one = np.zeros_like(counted)
    one[1, 0] = one[4, 2] = True
    for number, mean, std in dissimilarities_between(features, one).values():
        assert number == 0
        assert np.isnan([mean, std]).all()
    assert dissimilarities_between(features[:1, :1], counted[:1, :1])["both_directions"][0] == 0


def test_only_routes_with_converged_ends_count(images):
    features, counted = images
    converged = np.ones((N, N), dtype=bool)
    converged[2, 2] = converged[4, 0] = False
    names = [f"class {i}" for i in range(N)]
    boundaries = xr.Dataset(
        {
            "features": (("target", "route", "origin", "feature"), np.stack([features] * 2, axis=1)),
            "found": (("target", "route", "origin"), np.stack([counted] * 2, axis=1)),
        },
        {"route": ["line", "path"]},
    )
    prototypes = xr.Dataset({"converged": (("target", "origin"), converged)}, {"target": names})
    table = dissimilarity_table([dict.fromkeys(POINT, 0)], [(boundaries, prototypes)], "leave_out")
    on_line, on_path = counted.copy(), counted.copy()
    on_line[2] = on_line[:, 2] = on_path[:, 2] = on_path[4, 0] = False
    for route, mask in (("line", on_line), ("path", on_path)):
        for name, numbers in listed(features, mask).items():
            row = table[(table["route"] == route) & (table["relation"] == name)].iloc[0]
            assert row[["count", "mean", "std"]].tolist() == pytest.approx(numbers, abs=1e-12)
    kept = dissimilarity_table([dict.fromkeys(POINT, 0)], [(boundaries, prototypes)], "keep")
    assert kept["count"].tolist() == [numbers[0] for numbers in listed(features, counted).values()] * 2
