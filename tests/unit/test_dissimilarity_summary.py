"""Statistics of one set of prototypes: against whole tensors and plain loops, in any blocks, under every selection."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_lib.dissimilarity import Selection, stored, stream, summarise, tensors
from workflow_lib.dissimilarity.cosine import Block
from workflow_lib.dissimilarity.store import write
from workflow_lib.dissimilarity.summary import EDGES, SELECTIONS, chebyshev_bound
from workflow_lib.errors import UserError
from workflow_lib.io import storage

N = 6
DEFAULT = Selection()
ALL = Selection(include_self=True, unconverged="keep")


@pytest.fixture(scope="module")
def features():
    rng = np.random.default_rng(0)
    return rng.random((N, N, 1)) + 0.3 * rng.standard_normal((N, N, 8))


@pytest.fixture(scope="module")
def converged():
    return np.random.default_rng(3).random((N, N)) > 0.2


def entries(features, converged, selection):
    """{tensor: [((k, j, m), value), …]} of the entries that count, one by one."""
    C, R = tensors(features)
    found = {"C": [], "R": []}
    for k, j, m in itertools.product(range(len(C)), repeat=3):
        keep = selection.unconverged == "keep"
        if (selection.include_self or k != m) and (keep or (converged[k, j] and converged[m, j])):
            found["C"].append(((k, j, m), C[k, j, m]))
        if (selection.include_self or j != m) and (keep or (converged[k, j] and converged[k, m])):
            found["R"].append(((k, j, m), R[k, j, m]))
    return found


class Values:
    """Blocks with given values, the same for C and R, one class at a time."""

    def __init__(self, values):
        self.values, self.classes = np.asarray(values, dtype=float), len(values)

    def __iter__(self):
        for tensor in ("C", "R"):
            for start, row in enumerate(self.values):
                yield Block(tensor, start, row[None])


def cube(off_diagonal):
    """(n, n, n) with zeros on the diagonals of the last two axes and the given values elsewhere, in order."""
    n = next(n for n in itertools.count(2) if n * n * (n - 1) == len(off_diagonal))
    values = np.zeros((n, n, n))
    values[np.broadcast_to(~np.eye(n, dtype=bool), values.shape)] = off_diagonal
    return values


@pytest.mark.parametrize("block", [1, 4, None])
@pytest.mark.parametrize("selection", SELECTIONS)
def test_equals_statistics_of_the_entries_one_by_one(features, converged, selection, block):
    found = summarise(stream(features, block), converged, outlier_z=2)
    for tensor, pairs in entries(features, converged, selection).items():
        values = np.array([value for _, value in pairs])
        summary = found[tensor, selection]
        assert summary.count == len(values)
        assert summary.mean == pytest.approx(values.mean(), abs=1e-14)
        assert summary.std == pytest.approx(values.std(ddof=0), abs=1e-14)
        assert summary.outliers == np.sum(np.abs(values - values.mean()) / values.std() > 2)
        assert summary.outlier_share == summary.outliers / len(values)
        np.testing.assert_array_equal(summary.histogram, np.histogram(values, 200, (0, 2))[0])
    assert found["C", selection].outliers > 0


@pytest.mark.parametrize("selection", SELECTIONS)
def test_means_by_class_and_by_pair_equal_loops(features, converged, selection):
    found = summarise(stream(features, 4), converged)
    every = entries(features, converged, selection)
    for c in range(N):
        leaving = [value for (_, j, _), value in every["C"] if j == c]
        arriving = [value for (k, _, _), value in every["R"] if k == c]
        assert found["C", selection].by_class[c] == pytest.approx(np.mean(leaving), abs=1e-14)
        assert found["R", selection].by_class[c] == pytest.approx(np.mean(arriving), abs=1e-14)
    for a, b in itertools.product(range(N), repeat=2):
        over_origins = [value for (k, _, m), value in every["C"] if (k, m) == (a, b)]
        over_targets = [value for (_, j, m), value in every["R"] if (j, m) == (a, b)]
        expected = [np.mean(v) if v else np.nan for v in (over_origins, over_targets)]
        np.testing.assert_allclose([found[t, selection].by_pair[a, b] for t in "CR"], expected, rtol=0, atol=1e-14)


def test_self_entries_lower_the_mean_by_a_factor_of_n_minus_1_over_n(features):
    found = summarise(stream(features))
    for tensor in "CR":
        without, poster = found[tensor, DEFAULT], found[tensor, ALL]
        assert poster.mean == pytest.approx(without.mean * (N - 1) / N, abs=1e-14)
        assert (without.count, poster.count) == (N * N * (N - 1), N**3)
        assert np.isnan(np.diag(without.by_pair)).all()
        assert not np.diag(poster.by_pair).any()


def test_only_what_touches_the_unconverged_prototype_is_left_out(features):
    converged = np.ones((N, N), dtype=bool)
    converged[2, 4] = False
    found = summarise(stream(features), converged)
    for tensor in "CR":  # (2, 4) meets each of the n - 1 others twice, and itself once
        assert found[tensor, DEFAULT].count == N * N * (N - 1) - 2 * (N - 1)
        assert found[tensor, Selection(include_self=True)].count == N**3 - 2 * (N - 1) - 1
        assert found[tensor, ALL].count == N**3
    kept = summarise(stream(features))
    changed = {tensor: found[tensor, DEFAULT].by_class != kept[tensor, DEFAULT].by_class for tensor in "CR"}
    assert changed["C"].nonzero()[0].tolist() == [4]  # origin
    assert changed["R"].nonzero()[0].tolist() == [2]  # target


def test_what_did_not_converge_has_no_influence_and_would_have(features):
    converged = np.ones((N, N), dtype=bool)
    converged[2, 4] = False
    other = features.copy()
    other[2, 4] *= -1
    before, after = (summarise(stream(f), converged) for f in (features, other))
    assert before["C", DEFAULT].mean == after["C", DEFAULT].mean
    assert before["R", DEFAULT].std == after["R", DEFAULT].std
    keep = Selection(unconverged="keep")
    assert before["C", keep].mean != after["C", keep].mean


def test_relabelling_the_classes_changes_no_number(features, converged):
    order = np.random.default_rng(1).permutation(N)
    turned = summarise(stream(features[np.ix_(order, order)]), converged[np.ix_(order, order)])
    for key, summary in summarise(stream(features), converged).items():
        assert turned[key].mean == pytest.approx(summary.mean, abs=1e-13)
        assert turned[key].std == pytest.approx(summary.std, abs=1e-13)
        assert turned[key].outliers == summary.outliers
        np.testing.assert_allclose(turned[key].by_class, summary.by_class[order], rtol=0, atol=1e-13)
        np.testing.assert_allclose(turned[key].by_pair, summary.by_pair[np.ix_(order, order)], rtol=0, atol=1e-13)


def test_a_store_gives_what_the_features_give(features, converged, tmp_path):
    write(tmp_path / "d.zarr.zip", features, "abcdef", layer="pool")
    read = summarise(stored(storage.load(tmp_path / "d.zarr.zip"), 4), converged)
    for key, summary in summarise(stream(features, 4), converged).items():
        assert (read[key].mean, read[key].std, read[key].outliers) == (summary.mean, summary.std, summary.outliers)


def test_outliers_by_hand():
    # 17 values of 1 and one of 2: mean 1.0556, std 0.2291, z of the 2 is 4.12
    found = summarise(Values(cube([1.0] * 17 + [2.0])))
    for tensor in "CR":
        assert found[tensor, DEFAULT].outliers == 1
        assert found[tensor, DEFAULT].outlier_share == 1 / 18
    assert summarise(Values(cube([1.0] * 17 + [2.0])), outlier_z=4.2)["C", DEFAULT].outliers == 0


def test_a_low_value_is_an_outlier_as_well():
    assert summarise(Values(cube([1.0] * 17 + [0.0])))["C", DEFAULT].outliers == 1


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([1.5, 2, 3]), st.floats(0.01, 0.5))
def test_no_set_has_more_outliers_than_chebyshev_allows(seed, z, rare):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(48) < rare, 2 * rng.random(48), 1.0)
    share = summarise(Values(cube(values)), outlier_z=z)["C", DEFAULT].outlier_share
    assert share <= chebyshev_bound(z)


def test_chebyshev_is_reached_but_not_passed():
    # 16 of 18 in the middle, one on either side: their z is exactly 3
    on_the_bound = summarise(Values(cube([1.0] * 16 + [0.5, 1.5])))["C", DEFAULT]
    assert np.isclose(0.5 / on_the_bound.std, 3)
    just_below = summarise(Values(cube([1.0] * 16 + [0.5, 1.5])), outlier_z=2.999)["C", DEFAULT]
    assert just_below.outlier_share == pytest.approx(chebyshev_bound(3))
    assert chebyshev_bound(0.5) == 1


def test_equal_values_have_no_outliers_whatever_rounding_leaves():
    found = summarise(Values(cube([0.5] * 47 + [np.nextafter(0.5, 1)])))["C", DEFAULT]
    assert 0 < found.std < 1e-16
    assert found.outliers == 0
    assert summarise(stream(np.ones((4, 4, 3))))["R", ALL].outliers == 0


def test_a_small_spread_on_a_large_mean_is_not_lost():
    values = 1 + 1e-9 * np.random.default_rng(0).standard_normal(48)
    found = summarise(Values(cube(values)))["C", DEFAULT]
    assert found.std == pytest.approx(np.std(values), rel=1e-6)
    naive = np.sqrt(max(np.mean(values**2) - np.mean(values) ** 2, 0))
    assert naive != pytest.approx(np.std(values), rel=1e-6)


@pytest.mark.parametrize(("n", "converged"), [(1, None), (3, np.zeros((3, 3)))])
def test_without_entries_all_is_nan_and_nothing_warns(n, converged):
    found = summarise(stream(np.random.default_rng(0).random((n, n, 4))), converged)
    for tensor in "CR":
        summary = found[tensor, DEFAULT]
        assert (summary.count, summary.outliers, summary.histogram.sum()) == (0, 0, 0)
        assert np.isnan([summary.mean, summary.std, summary.outlier_share]).all()
        assert np.isnan(summary.by_class).all()
        assert np.isnan(summary.by_pair).all()
        assert found[tensor, ALL].count == n**3


def test_histograms_count_every_entry_up_to_both_ends():
    found = summarise(Values(cube([0.0] * 3 + [2.0] * 5 + [1.0] * 10)))["C", DEFAULT]
    assert found.histogram[[0, 199, 100]].tolist() == [3, 5, 10]
    assert found.histogram.sum() == 18
    assert (len(EDGES), EDGES[0], EDGES[-1]) == (201, 0, 2)


def test_only_the_selections_asked_for_are_made(features):
    assert set(summarise(stream(features), selections=[DEFAULT])) == {("C", DEFAULT), ("R", DEFAULT)}


def test_convergence_of_other_prototypes_is_refused(features):
    with pytest.raises(UserError, match=r"\(5, 6\)"):
        summarise(stream(features), np.ones((5, 6)))
