"""Rank correlations over the rows of a k* study."""

import numpy as np
import pandas as pd
from scipy import stats

from workflow_lib.kstar.trend import trend_table

POINT = {"model": "net", "seed": 0, "transform": "original"}


def test_table_has_a_row_for_each_pair_that_is_known():
    table = pd.DataFrame(
        {**POINT, "mean": [0.1, 0.2, 0.3, 0.4], "skewness": [4.0, 3, 2, np.nan], "accuracy": [0.5, 0.6, 0.7, 0.8]},
        index=range(4),
    )
    found = trend_table(table)
    assert found[["value", "against", "n", "rho"]].to_numpy().tolist() == [
        ["accuracy", "mean", 4, 1],
        ["accuracy", "skewness", 3, -1],
    ]
    rotated = trend_table(table.assign(strength=[0, 90, 30, 60]), {"rotation": ["original"]})
    assert rotated["against"].tolist() == ["mean", "skewness"]  # of one transform


def test_strengths_are_compared_only_where_they_measure_the_same():
    """Degrees and standard deviations: accuracy falls with each, and not with the two together."""
    table = pd.DataFrame(
        {
            **POINT,
            "transform": ["original", "r30", "r60", "n1", "n2", "crop"],
            "strength": [np.nan, 30, 60, 0.1, 0.2, 24],
            "accuracy": [0.9, 0.8, 0.7, 0.3, 0.2, 0.5],
            "mean": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
            "skewness": [1.0, 2, 3, 4, 5, 6],
        }
    )
    scales = {
        "rotation": ["r30", "r60", "original"],
        "gaussian_noise": ["n1", "n2", "original"],
        "centre_crop": ["crop"],
    }
    found = trend_table(table, scales).set_index(["value", "against", "scale"])
    assert found.loc[("accuracy", "strength", "rotation"), ["n", "rho"]].tolist() == [3, -1]
    assert found.loc[("accuracy", "strength", "gaussian_noise"), ["n", "rho"]].tolist() == [3, -1]
    assert found.loc[("mean", "strength", "rotation"), "rho"] == 1
    assert len(found) == 2 + 3 + 3  # one strength of a crop has no trend
    assert stats.spearmanr(table["accuracy"][1:5], table["strength"][1:5]).statistic > 0


def test_without_accuracies_nothing_is_claimed():
    table = pd.DataFrame({**POINT, "mean": [0.1, 0.2, 0.3], "skewness": [3.0, 2, 1], "accuracy": np.nan})
    assert trend_table(table)[["n", "rho"]].isna().to_numpy().tolist() == [[False, True]] * 2
