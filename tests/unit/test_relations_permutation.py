"""Rank correlation of matrices under orders of the classes: by hand, against SciPy and all orders, where undefined."""

import itertools

import numpy as np
import pytest
from scipy.stats import spearmanr

from workflow_lib.relations.permutation import correlate, orders_of


def noise(source, n=5):
    return np.random.default_rng(source).normal(size=(n, n))


def by_scipy(x, y, directed):
    """Spearman's rho pair by pair."""
    n = len(x)
    pairs = list(itertools.permutations(range(n), 2) if directed else itertools.combinations(range(n), 2))
    if not directed:
        x, y = x + x.T, y + y.T
    both = [(x[p], y[p]) for p in pairs if np.isfinite(x[p]) and np.isfinite(y[p])]
    return len(both), spearmanr(*zip(*both, strict=True)).statistic


def test_three_classes_by_hand():
    """Pairs 01, 02, 12 have the ranks 1, 2, 3 and 1, 3, 2: rho 1/2. Six orders give 1/2, 1/2, -1, 1, -1/2, -1/2."""
    x = np.array([[9.0, 1, 2], [1, 9, 3], [2, 3, 9]])
    y = np.array([[0.0, 1, 3], [1, 0, 2], [3, 2, 0]])
    orders, exact = orders_of(3, 99, seed=0)
    assert exact
    assert orders.tolist() == [list(order) for order in itertools.permutations(range(3))]
    found = correlate(x, y, orders, directed=False)
    assert (found.n, found.undefined) == (3, "")
    assert (found.rho, found.p) == pytest.approx((0.5, 1.0))
    assert correlate(x, x, orders, directed=False).p == pytest.approx(2 / 6)  # the reverse of all ranks counts, too


@pytest.mark.parametrize("directed", [True, False])
@pytest.mark.parametrize("missing", [False, True])
def test_rho_and_p_are_those_of_scipy_over_all_orders(directed, missing):
    x, y = noise(1), noise(2) + 0.7 * noise(1)
    x[0, 1] = x[2, 3]  # a tie
    if missing:
        x[0, 2] = x[2, 0] = y[3, 4] = np.nan
    found = correlate(x, y, orders_of(5, 120, seed=0)[0], directed=directed)
    every = [by_scipy(x[np.ix_(order, order)], y, directed)[1] for order in map(list, itertools.permutations(range(5)))]
    assert (found.n, found.rho) == (by_scipy(x, y, directed)[0], pytest.approx(every[0]))
    assert found.p == np.mean(np.abs(every) >= abs(every[0]) - 1e-12)


def test_random_orders_come_near_to_all_orders():
    x, y = noise(3, 7), noise(4, 7) + 0.3 * noise(3, 7)
    (every, exact), (some, not_exact) = orders_of(7, 5040, seed=0), orders_of(7, 2000, seed=0)
    assert (exact, not_exact, len(every), len(some)) == (True, False, 5040, 2001)
    assert some[0].tolist() == list(range(7))
    found, right = (correlate(x, y, orders, directed=True) for orders in (some, every))
    assert found.rho == pytest.approx(right.rho)
    assert abs(found.p - right.p) < 3 * np.sqrt(0.25 / 2000)
    assert np.array_equal(some, orders_of(7, 2000, seed=0)[0])
    assert not np.array_equal(some, orders_of(7, 2000, seed=1)[0])


def test_another_order_of_the_classes_in_both_changes_nothing():
    x, y, order = noise(5), noise(6), np.array([3, 0, 4, 1, 2])
    orders, _ = orders_of(5, 120, seed=0)
    moved = correlate(x[np.ix_(order, order)], y[np.ix_(order, order)], orders, directed=True)
    found = correlate(x, y, orders, directed=True)
    assert (found.rho, found.p) == pytest.approx((moved.rho, moved.p))


def test_classes_that_differ_do_not_make_a_correlation_of_unrelated_measures():
    """Each class moves all its pairs; a test that takes pairs as independent finds far too much."""
    p, naive = [], []
    orders, _ = orders_of(8, 199, seed=0)
    for source in range(200):
        a, b = np.random.default_rng(source).normal(size=(2, 8))
        x, y = (of[:, None] + of + 0.1 * noise((source, k), 8) for k, of in enumerate((a, b)))
        p.append(correlate(x, y, orders, directed=False).p)
        above = np.triu_indices(8, 1)
        naive.append(spearmanr((x + x.T)[above], (y + y.T)[above]).pvalue)
    assert 0.01 < np.mean(np.array(p) < 0.05) < 0.1
    assert np.mean(np.array(naive) < 0.05) > 0.15


def test_rounding_does_not_break_ties():
    x = np.array([[0, 0.1 + 0.2, 1], [0.3, 0, 1], [1, 1, 0.0]])
    assert correlate(x, np.where(x < 0.5, 0.3, 1.0), orders_of(3, 6, seed=0)[0], directed=True).rho == pytest.approx(1)


@pytest.mark.parametrize(
    ("x", "reason"),
    [
        (np.full((4, 4), np.nan), "no pair has both values"),
        (np.where(np.eye(4)[::-1] > 0, noise(7, 4), np.nan), "only 2 pairs have both values"),
        (np.ones((4, 4)), "all values of the first measure are equal"),
    ],
)
def test_what_is_undefined_has_a_reason(x, reason):
    found = correlate(x, noise(8, 4), orders_of(4, 24, seed=0)[0], directed=False)
    assert found.undefined == reason
    assert np.isnan([found.rho, found.p]).all()
