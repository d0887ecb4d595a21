"""Rank correlations against SciPy, by hand, and where there is none."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow_lib.kstar.trend import spearman, trend_table


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_equals_scipy_also_with_ties(decimals):
    generator = np.random.default_rng(1)
    x = generator.normal(size=60).round(decimals)
    y = (generator.normal(size=60) - x).round(decimals)
    found = spearman(x, y)
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic)
    drawn = [stats.spearmanr(x[rows], y[rows]).statistic for rows in generator.integers(0, 60, (1000, 60))]
    assert found[2:] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.05)


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
    assert np.isnan(found[1:]).all()


def test_table_has_a_row_for_each_pair_that_is_known():
    table = pd.DataFrame(
        {"mean": [0.1, 0.2, 0.3, 0.4], "skewness": [4.0, 3, 2, np.nan], "accuracy": [0.5, 0.6, 0.7, 0.8]}
    )
    found = trend_table(table)
    assert found[["value", "against", "n", "rho"]].to_numpy().tolist() == [
        ["accuracy", "mean", 4, 1],
        ["accuracy", "skewness", 3, -1],
    ]
    rotated = trend_table(table.assign(strength=[0, 90, 30, 60]))
    assert rotated["against"].tolist() == ["mean", "skewness", *["strength"] * 3]
    for constant in (np.nan, 0.0):
        assert trend_table(table.assign(strength=constant))["against"].tolist() == ["mean", "skewness"]


def test_without_accuracies_nothing_is_claimed():
    table = pd.DataFrame({"mean": [0.1, 0.2, 0.3], "skewness": [3.0, 2, 1], "accuracy": np.nan})
    assert trend_table(table)[["n", "rho"]].isna().to_numpy().tolist() == [[False, True]] * 2
