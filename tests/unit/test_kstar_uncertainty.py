import numpy as np
import pytest
from scipy import stats

from workflow_lib.kstar import summarize
from workflow_lib.kstar.uncertainty import bootstrap

SHAPES = {"fractured": (1, 12), "clustered": (3, 1), "overlapped": (3, 3)}


def ranks(generator, n, shape="overlapped"):
    """κ of a class of n, its k* from a beta distribution."""
    return np.ceil(generator.beta(*SHAPES[shape], n) * n).astype(int).clip(1, n)


@pytest.mark.parametrize("skewness", ["anchored", "plain"])
def test_intervals_are_those_of_resampling_one_by_one(skewness):
    generator = np.random.default_rng(1)
    kappa = ranks(generator, 60)
    found = bootstrap(kappa, np.zeros(60, int), skewness).iloc[0]
    ends = [0, 1] if skewness == "anchored" else []
    drawn = [generator.choice(kappa / 60, 60) for _ in range(4000)]
    low, high = np.quantile([stats.skew([*values, *ends]) for values in drawn], [0.025, 0.975])
    assert found["skewness_low"] == pytest.approx(low, abs=0.08)
    assert found["skewness_high"] == pytest.approx(high, abs=0.08)
    low, high = np.quantile(np.mean(drawn, axis=1), [0.025, 0.975])
    assert found["mean_low"] == pytest.approx(low, abs=0.01)
    assert found["mean_high"] == pytest.approx(high, abs=0.01)


def test_the_interval_covers_the_mean_of_the_distribution():
    """Coverage over simulated classes whose expected k* is known: 95 % but for chance."""
    generator = np.random.default_rng(2)
    n, classes = 200, 600
    kappa = np.concatenate([ranks(generator, n) for _ in range(classes)])
    table = bootstrap(kappa, np.repeat(np.arange(classes), n))
    truth = np.ceil(generator.beta(3, 3, 10**6) * n).clip(1, n).mean() / n
    covered = np.mean((table["mean_low"] <= truth) & (truth <= table["mean_high"]))
    assert 0.93 <= covered <= 0.97


def test_a_pattern_on_the_edge_holds_in_half_of_the_resamples_and_a_clear_one_in_all():
    generator = np.random.default_rng(3)
    clear = ranks(generator, 200, "fractured")
    edge = ranks(generator, 200)
    threshold = float(summarize(edge, np.zeros(200, int))["skewness"].iloc[0])
    table = bootstrap(np.concatenate([clear, edge]), np.repeat([0, 1], 200), threshold=abs(threshold))
    assert table["pattern_share"].iloc[0] == 1
    assert 0.3 < table["pattern_share"].iloc[1] < 0.7


def test_draws_of_a_class_do_not_depend_on_other_classes_or_on_the_order_of_samples():
    generator = np.random.default_rng(4)
    kappa, labels = np.concatenate([ranks(generator, 50), ranks(generator, 70)]), np.repeat([0, 1], [50, 70])
    table, order = bootstrap(kappa, labels), generator.permutation(120)
    assert bootstrap(kappa[order], labels[order]).equals(table)
    assert bootstrap(kappa[50:], labels[50:]).equals(table[1:].reset_index(drop=True))
    assert not bootstrap(kappa, labels, seed=1).equals(table)


def test_plain_skewness_of_equal_values_has_no_interval():
    row = bootstrap([3, 3, 3], ["a"] * 3, "plain").iloc[0]
    assert np.isnan(row["skewness_low"])
    assert np.isnan(row["skewness_high"])
    assert row["pattern_share"] == 1
    assert row["mean_low"] == row["mean_high"] == 1


def test_blocks_change_nothing(monkeypatch):
    kappa = ranks(np.random.default_rng(5), 40)
    whole = bootstrap(kappa, np.zeros(40, int))
    monkeypatch.setattr("workflow_lib.kstar.uncertainty.BLOCK", 40 * 7)
    assert bootstrap(kappa, np.zeros(40, int)).equals(whole)
