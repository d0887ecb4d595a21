"""The neighbour distribution against a brute force, and what must not change it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from workflow_lib.errors import UserError
from workflow_lib.kstar import neighbours
from workflow_lib.kstar.neighbours import neighbour_classes

METRICS = ("euclidean", "cityblock", "chebyshev", "cosine")


def brute_force(features, labels, n_classes, k, metric):
    """Sample by sample: the k nearest, the last place shared among the tied."""
    distances = cdist(features.astype(float), features.astype(float), metric)
    counts = np.zeros((n_classes, n_classes))
    for i, row in enumerate(distances):
        others = [j for j in range(len(row)) if j != i]
        kth = sorted(row[others])[k - 1]
        closer, tied = [j for j in others if row[j] < kth], [j for j in others if row[j] == kth]
        for j in closer:
            counts[labels[i], labels[j]] += 1
        for j in tied:
            counts[labels[i], labels[j]] += (k - len(closer)) / len(tied)
    return counts / (k * np.bincount(labels, minlength=n_classes)[:, None])


def test_by_hand():
    """Points at 0, 1, 3 | 4, 6 with k = 1: the nearest are 1; 0; 4 | 3; 4."""
    features, labels = np.array([[0.0], [1], [3], [4], [6]]), np.array([0, 0, 0, 1, 1])
    expected = [[2 / 3, 1 / 3], [1 / 2, 1 / 2]]
    np.testing.assert_allclose(neighbour_classes(features, labels, 2, k=1), expected)


def test_tied_neighbours_share_the_last_place_by_hand():
    """The middle one of 0, 1, 2 is as far from either side."""
    features, labels = np.array([[0.0], [1], [2]]), np.array([0, 1, 2])
    np.testing.assert_allclose(neighbour_classes(features, labels, 3, k=1), [[0, 1, 0], [0.5, 0, 0.5], [0, 1, 0]])


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("k", [1, 5, 79])
def test_equals_brute_force(metric, k):
    generator = np.random.default_rng(0)
    features, labels = generator.normal(size=(80, 5)).astype("float32"), generator.integers(0, 4, 80)
    shares = neighbour_classes(features, labels, 4, k, metric)
    np.testing.assert_allclose(shares, brute_force(features, labels, 4, k, metric), atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(["euclidean", "cityblock", "chebyshev"]),
    st.integers(0, 2**20),
    st.integers(1, 12),
    st.sampled_from([0.0, 1e3, 1e6]),
)
def test_equals_brute_force_with_ties_duplicates_and_offsets(metric, seed, k, offset):
    generator = np.random.default_rng(seed)
    features, labels = generator.integers(0, 3, size=(40, 3)) + offset, generator.integers(0, 3, 40)
    shares = neighbour_classes(features, labels, 4, k, metric)
    with np.errstate(invalid="ignore"):
        expected = brute_force(features, labels, 4, k, metric)
    np.testing.assert_allclose(shares, expected, atol=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_order_of_samples_and_size_of_blocks_do_not_matter(metric, monkeypatch):
    generator = np.random.default_rng(1)
    features, labels = generator.integers(1, 4, size=(90, 4)).astype("float32"), generator.integers(0, 3, 90)
    order = generator.permutation(90)
    expected = neighbour_classes(features, labels, 3, 7, metric)
    np.testing.assert_allclose(neighbour_classes(features[order], labels[order], 3, 7, metric), expected, atol=1e-9)
    monkeypatch.setattr(neighbours, "BLOCK_BYTES", 5000)
    monkeypatch.setattr(neighbours, "PAIRS", 17)
    np.testing.assert_allclose(neighbour_classes(features, labels, 3, 7, metric), expected, atol=1e-12)


def test_relabelled_classes_relabel_the_shares():
    generator = np.random.default_rng(2)
    features, labels, names = generator.normal(size=(60, 3)), np.arange(60) % 3, np.array([2, 0, 1])
    first, second = neighbour_classes(features, labels, 3), neighbour_classes(features, names[labels], 3)
    np.testing.assert_allclose(second[np.ix_(names, names)], first)


def test_separate_classes_see_only_themselves_and_mixed_ones_do_not():
    generator = np.random.default_rng(3)
    labels = np.arange(200) % 2
    features = generator.normal(size=(200, 4)) + 50 * labels[:, None]
    np.testing.assert_array_equal(neighbour_classes(features, labels, 2), np.eye(2))
    assert neighbour_classes(features, generator.permutation(labels), 2)[0, 0] < 0.7


def test_a_class_without_samples_is_nan_and_rows_sum_to_one():
    shares = neighbour_classes(np.arange(6.0)[:, None], np.array([0, 0, 0, 2, 2, 2]), 3)
    assert np.isnan(shares[1]).all()
    np.testing.assert_allclose(shares[[0, 2]].sum(axis=1), 1)


def test_many_samples_are_asked_by_a_sample_whose_answers_are_exact(monkeypatch):
    generator = np.random.default_rng(4)
    labels = np.arange(2000) % 2
    features = generator.normal(size=(2000, 2)) + 1.5 * labels[:, None]
    everyone = neighbour_classes(features, labels, 2)
    monkeypatch.setattr(neighbours, "QUERIES", 400)
    asked = neighbour_classes(features, labels, 2)
    assert 0 < np.abs(asked - everyone).max() < 0.05


def test_mistakes_are_named():
    features, labels = np.array([[1.0, 2], [0, 0], [3, 1]]), np.array([0, 1, 1])
    with pytest.raises(UserError, match="sample 1"):
        neighbour_classes(features, labels, 2, metric="cosine")
    with pytest.raises(UserError, match=r"manhattan\s+must be one of [a-z, ]*cityblock"):
        neighbour_classes(features, labels, 2, metric="manhattan")
    with pytest.raises(UserError, match="1 samples"):
        neighbour_classes(features[:1], labels[:1], 2)


def test_progress_ends_at_the_number_of_samples():
    seen = []
    labels = np.arange(30) % 2
    neighbour_classes(np.arange(30.0)[:, None], labels, 2, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (30, 30)
