"""Measures without data against accuracy: what is averaged, what is drawn, and what says nothing."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow_lib.prototypes.trend import quality_trend


def table(models=("net",), seeds=6, layers=("late",), initialisations=3, seed=0):
    """Accuracy rises with the interval; M_g follows it, C is noise, R is constant."""
    generator = np.random.default_rng(seed)
    rows = []
    for model in models:
        for network in range(seeds):
            for interval in (25, 50, 100):
                accuracy = interval / 200 + generator.uniform(0, 0.2)
                for start in range(initialisations):
                    for layer in layers:
                        noise = generator.normal(size=2)
                        point = (model, network, interval, start, layer)
                        rows.append((*point, accuracy + 0.01 * noise[0], noise[1], 0.5, accuracy))
    return pd.DataFrame(
        rows, columns=["model", "seed", "interval", "initialisation", "layer", "m_g", "C", "R", "accuracy"]
    )


def test_by_hand():
    """Two initialisations count once: their means 1, 2, 4 rank as the accuracies do, and single values do not."""
    rows = [(0.9, 0.5), (1.1, 0.5), (2.9, 0.6), (1.1, 0.6), (4.0, 0.7), (4.0, 0.7)]
    found = quality_trend(
        pd.DataFrame(rows, columns=["m_g", "accuracy"]).assign(
            model="net", seed=0, layer="late", interval=[25, 25, 50, 50, 100, 100], initialisation=[0, 1] * 3
        )
    ).iloc[0]
    assert found[["model", "layer", "measure", "networks", "n", "rho"]].tolist() == ["net", "late", "m_g", 1, 3, 1.0]
    assert found["resampled"] is None  # three pairs have no interval
    assert np.isnan(found["rho_low"])


def test_each_model_and_layer_is_on_its_own_and_models_of_a_layer_are_taken_together():
    quality = pd.concat([table(["a"], layers=["x", "y"]), table(["b"], layers=["x"], seed=1)])
    found = quality_trend(quality).set_index(["model", "layer", "measure"])
    assert list(found.index) == [
        (model, layer, measure)
        for model, layer in [("a", "x"), ("a", "y"), ("b", "x"), ("", "x")]
        for measure in ("m_g", "C", "R")
    ]
    assert found.loc[("a", "x", "m_g"), ["networks", "n", "resampled"]].tolist() == [6, 18, "networks"]
    assert found.loc[("", "x", "m_g"), ["networks", "n"]].tolist() == [12, 36]
    means = quality[quality["layer"] == "x"].groupby(["model", "seed", "interval"]).mean(numeric_only=True)
    for measure in ("m_g", "C"):
        expected = stats.spearmanr(means[measure], means["accuracy"]).statistic
        assert found.loc[("", "x", measure), "rho"] == pytest.approx(expected)


def test_a_measure_that_follows_the_accuracy_is_told_from_one_that_does_not():
    found = quality_trend(table(seeds=10)).set_index("measure")
    assert found.loc["m_g", "rho_low"] > 0.9
    assert found.loc["C", "rho_low"] < 0 < found.loc["C", "rho_high"]
    assert np.isnan(found.loc["R", "rho"])


def test_networks_are_drawn_from_five_on():
    found = quality_trend(table(seeds=4)).set_index("measure")
    assert found.loc[["m_g", "C"], "resampled"].tolist() == ["rows"] * 2
    assert pd.isna(found.loc["R", "resampled"])


def test_what_is_not_known_is_left_out_and_another_measure_is_found():
    quality = table(seeds=5).assign(m_adv=lambda rows: -rows["accuracy"])
    quality.loc[quality["seed"] == 4, "m_g"] = np.nan
    quality.loc[quality["initialisation"] == 0, "C"] = np.nan
    found = quality_trend(quality).set_index("measure")
    assert list(found.index) == ["m_g", "m_adv", "C", "R"]
    assert found.loc["m_g", ["networks", "n", "resampled"]].tolist() == [4, 12, "rows"]
    assert found.loc["C", ["networks", "n"]].tolist() == [5, 15]  # by the other initialisations
    assert found.loc["m_adv", "rho"] == pytest.approx(-1)
    assert np.isnan(quality_trend(quality.assign(accuracy=np.nan))["rho"]).all()
