"""Rank correlations against SciPy, by hand, and where there is none."""

import numpy as np
import pytest
from scipy import stats

from workflow_lib import correlation
from workflow_lib.correlation import spearman


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_equals_scipy_also_with_ties(decimals):
    generator = np.random.default_rng(1)
    x = generator.normal(size=60).round(decimals)
    y = (generator.normal(size=60) - x).round(decimals)
    found = spearman(x, y)
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    drawn = [stats.spearmanr(x[rows], y[rows]).statistic for rows in generator.integers(0, 60, (1000, 60))]
    assert found[2:4] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05)


def test_by_hand():
    # Ranks 1 2 3 4 against 2 1 4 3: 1 - 6 * 4 / (4 * 15).
    found = spearman([1, 5, 7, 9], [0.2, 0.1, 40, 30])
    assert (found.n, found.rho) == (4, pytest.approx(0.6))
    assert found == spearman([1, 5, 7, 9], [0.2, 0.1, 40, 30])
    assert spearman([1, 2, 3], [9, 8, 7])[:2] == (3, -1)


def test_the_interval_covers_the_correlation_of_the_distribution():
    generator = np.random.default_rng(2)
    pairs = generator.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], (100, 60))
    truth = 6 / np.pi * np.arcsin(0.25)  # Spearman's of a bivariate normal
    found = [spearman(*each.T) for each in pairs]
    covered = np.mean([each.rho_low <= truth <= each.rho_high for each in found])
    assert 0.88 <= covered <= 0.99  # 95 % but for chance


@pytest.mark.parametrize(("x", "n"), [([1, 2, np.nan], 2), ([3, 3, 3], 3), ([], 0)])
def test_no_correlation_of_few_or_equal_values(x, n):
    found = spearman(x, np.arange(len(x)))
    assert found.n == n
    assert np.isnan(found[1:4]).all()
    assert found.resampled is None


def of_networks(generator, networks, rows):
    """Pairs of normal numbers; those of a network have 0.8 of their variance in common."""
    shape = [[1, 0.5], [0.5, 1]]
    common = generator.multivariate_normal([0, 0], shape, (networks, 1))
    pairs = np.sqrt(0.8) * common + np.sqrt(0.2) * generator.multivariate_normal([0, 0], shape, (networks, rows))
    return *pairs.reshape(-1, 2).T, np.repeat(np.arange(networks), rows)


def test_rows_of_a_network_are_drawn_together(monkeypatch):
    monkeypatch.setattr(correlation, "RESAMPLES", 200)
    generator = np.random.default_rng(3)
    truth = 6 / np.pi * np.arcsin(0.25)
    covered = {"networks": 0, "rows": 0}
    for _ in range(60):
        x, y, networks = of_networks(generator, 10, 20)
        for found in (spearman(x, y, networks), spearman(x, y)):
            covered[found.resampled] += found.rho_low <= truth <= found.rho_high
    assert covered["networks"] / 60 > 0.85
    assert covered["rows"] / 60 < 0.75  # too narrow: they are not independent


def test_few_networks_are_not_drawn():
    x, y, networks = of_networks(np.random.default_rng(4), 5, 4)
    assert spearman(x, y, networks).resampled == "networks"
    for fewer in (np.minimum(networks, 3), None):
        assert spearman(x, y, fewer) == spearman(x, y)
        assert spearman(x, y, fewer).resampled == "rows"
    x[networks == 4] = np.nan  # what is left are four networks
    assert spearman(x, y, networks).resampled == "rows"
