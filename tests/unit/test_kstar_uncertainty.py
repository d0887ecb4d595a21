import numpy as np
import pytest
from scipy import stats

from workflow_lib.kstar import summarize
from workflow_lib.kstar.uncertainty import bootstrap, skewness_and_error

SHAPES = {"fractured": (1, 12), "clustered": (3, 1), "overlapped": (3, 3)}


def ranks(generator, n, shape="overlapped", count=None):
    """κ of `count` (None: all) samples of a class of n, its k* from a beta distribution."""
    return np.ceil(generator.beta(*SHAPES[shape], count or n) * n).astype(int).clip(1, n)


@pytest.mark.parametrize("ends", [[0, 1], []])
def test_the_error_of_a_skewness_is_that_of_leaving_out_one_value_at_a_time(ends):
    values = ranks(np.random.default_rng(1), 2000) / 2000
    sums = (values ** np.arange(1, 7)[:, None]).sum(axis=1)
    skew, error = skewness_and_error(sums, 2000, np.array(ends, float))
    assert skew == pytest.approx(stats.skew([*values, *ends]))
    others = [stats.skew([*np.delete(values, i), *ends]) for i in range(2000)]
    assert error == pytest.approx(np.std(others) * np.sqrt(2000), rel=0.01)


@pytest.mark.parametrize("skewness", ["anchored", "plain"])
def test_intervals_are_those_of_resampling_one_by_one(skewness):
    """A bootstrap of both statistics one resample at a time, with the jackknife's error of each skewness."""
    generator = np.random.default_rng(1)
    kappa = ranks(generator, 60)
    found = bootstrap(kappa, np.zeros(60, int), skewness).iloc[0]
    ends = [0, 1] if skewness == "anchored" else []

    def skew_and_error(values):
        others = np.array([[*np.delete(values, i), *ends] for i in range(60)])
        return stats.skew([*values, *ends]), np.std(stats.skew(others, axis=1)) * np.sqrt(60)

    skew, error = skew_and_error(kappa / 60)
    drawn = [generator.choice(kappa / 60, 60) for _ in range(3000)]
    found_in = np.array([skew_and_error(values) for values in drawn])
    shift = (np.arcsinh(found_in[:, 0]) - np.arcsinh(skew)) * np.hypot(1, found_in[:, 0]) / found_in[:, 1]
    high, low = np.sinh(np.arcsinh(skew) - np.quantile(shift, [0.025, 0.975]) * error / np.hypot(1, skew))
    assert found["skewness_low"] == pytest.approx(low, abs=0.08)
    assert found["skewness_high"] == pytest.approx(high, abs=0.08)
    low, high = np.quantile(np.mean(drawn, axis=1), [0.025, 0.975])
    assert found["mean_low"] == pytest.approx(low, abs=0.01)
    assert found["mean_high"] == pytest.approx(high, abs=0.01)


def coverage(shape, n, classes=600):
    """Share of simulated classes whose intervals hold the mean and the anchored skewness of the distribution."""
    generator = np.random.default_rng(2)
    kappa = np.concatenate([ranks(generator, n, shape) for _ in range(classes)])
    table = bootstrap(kappa, np.repeat(np.arange(classes), n))
    values = ranks(generator, n, shape, 500_000) / n
    weights = np.append(np.full(len(values), n / len(values)), [1, 1]) / (n + 2)
    anchored = np.append(values, [0, 1])
    centred = anchored - weights @ anchored
    truth = {"mean": values.mean(), "skewness": weights @ centred**3 / (weights @ centred**2) ** 1.5}
    return {
        name: float(np.mean((table[f"{name}_low"] <= true) & (true <= table[f"{name}_high"])))
        for name, true in truth.items()
    }


@pytest.mark.parametrize("n", [50, 200])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_intervals_cover_the_mean_and_the_skewness_of_the_distribution(shape, n):
    """Over simulated classes whose distribution of k* is known: 95 % but for chance (0.9 %)."""
    covered = coverage(shape, n)
    assert 0.92 <= covered["mean"] <= 0.97
    assert 0.92 <= covered["skewness"] <= 0.975


def test_few_values_that_differ_from_the_others_have_the_percentiles():
    """A studentised interval has no end where resamples of equal values, which have no error, are in its tail."""
    kappa = np.full(60, 60)
    kappa[:2] = [5, 30]
    found = bootstrap(kappa, np.zeros(60, int)).iloc[0]
    skews = [stats.skew([*values, 0, 1]) for values in np.random.default_rng(0).choice(kappa / 60, (4000, 60))]
    low, high = np.quantile(skews, [0.025, 0.975])
    assert found["skewness_low"] == pytest.approx(low, abs=0.1)
    assert found["skewness_high"] == pytest.approx(high, abs=0.1)


def test_an_interval_stays_within_what_so_many_values_allow():
    """Four values differ: the error of some resamples is nearly 0, their deviation without bound."""
    kappa = np.full(60, 60)
    kappa[:5] = [59, 59, 58, 58, 3]
    found = bootstrap(kappa, np.zeros(60, int)).iloc[0]
    assert -60 / np.sqrt(61) <= found["skewness_low"] <= found["skewness_high"] <= 60 / np.sqrt(61)


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


def test_resamples_of_equal_values_have_no_plain_skewness():
    """A third of the resamples lacks the one value that differs; rounding must not give them a skewness."""
    kappa = np.array([1] * 10 + [10])
    row = bootstrap(kappa, np.zeros(11, int), "plain").iloc[0]
    drawn = [np.random.default_rng(seed).choice(kappa / 11, 11) for seed in range(4000)]
    skews = np.array([np.nan if np.ptp(values) == 0 else stats.skew(values) for values in drawn])
    assert row["pattern_share"] == pytest.approx(np.mean(skews > 0.5), abs=0.05)
    low, high = np.nanquantile(skews, [0.025, 0.975])
    assert (row["skewness_low"], row["skewness_high"]) == pytest.approx((low, high), abs=0.1)


def test_blocks_change_nothing(monkeypatch):
    kappa = ranks(np.random.default_rng(5), 40)
    whole = bootstrap(kappa, np.zeros(40, int))
    monkeypatch.setattr("workflow_lib.kstar.uncertainty.BLOCK", 40 * 7)
    assert bootstrap(kappa, np.zeros(40, int)).equals(whole)
