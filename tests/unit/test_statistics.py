"""Tests of two samples, information and adjusted p values: against scipy and statsmodels, by hand, and degenerate."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW, ttest_ind

from workflow_lib.errors import UserError
from workflow_lib.statistics import benjamini_hochberg, kl_bits, paired, welch

RNG = np.random.default_rng(0)
NUMBERS = ("t", "df", "p", "ci_low", "ci_high")
SAMPLES = {
    "few": (RNG.normal(0, 1, 2), RNG.normal(1, 2, 3)),
    "alike": (RNG.normal(0, 1, 50), RNG.normal(0, 1, 40)),
    "far apart": (RNG.normal(0, 1, 30), RNG.normal(20, 1, 30)),
    "unequal variances": (RNG.normal(0, 1e-6, 10), RNG.normal(0.1, 3, 200)),
    "offset": (1e6 + RNG.normal(0, 1, 20), 1e6 + RNG.normal(0.5, 1, 25)),
    "tiny": (1e-200 * RNG.normal(0, 1, 20), 1e-200 * RNG.normal(1, 1, 25)),
    "integers": (RNG.integers(0, 9, 12), RNG.integers(2, 9, 15)),
}


def numbers(test, *more):
    return [getattr(test, name) for name in (*NUMBERS, *more)]


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "tiny"])
def test_welch_equals_scipy(name):
    a, b = SAMPLES[name]
    found, expected = welch(a, b), stats.ttest_ind(a, b, equal_var=False)
    interval = expected.confidence_interval()
    assert numbers(found) == pytest.approx(
        [expected.statistic, expected.df, expected.pvalue, interval.low, interval.high], rel=1e-9
    )
    assert found.diff == pytest.approx(np.mean(a) - np.mean(b), rel=1e-12)
    assert (found.n_a, found.n_b, found.undefined) == (len(a), len(b), "")


@pytest.mark.parametrize("name", [name for name in SAMPLES if name != "tiny"])
def test_welch_equals_statsmodels(name):
    a, b = (np.asarray(sample, dtype=float) for sample in SAMPLES[name])
    found = welch(a, b, confidence=0.9)
    t, p, df = ttest_ind(a, b, usevar="unequal")
    low, high = CompareMeans(DescrStatsW(a), DescrStatsW(b)).tconfint_diff(alpha=0.1, usevar="unequal")
    assert numbers(found) == pytest.approx([t, df, p, low, high], rel=1e-8)


VALUES = st.floats(-1e3, 1e3).map(lambda value: round(value, 3)) | st.integers(0, 3).map(float)


@settings(max_examples=100, deadline=None)
@given(st.lists(VALUES, min_size=2, max_size=12), st.lists(VALUES, min_size=2, max_size=12))
def test_of_any_two_samples_welch_is_that_of_both_libraries_or_undefined(a, b):
    found = welch(a, b)
    assert bool(found.undefined) == (np.ptp(a) == 0 or np.ptp(b) == 0)
    if not found.undefined:
        t, p, df = ttest_ind(a, b, usevar="unequal")
        expected = stats.ttest_ind(a, b, equal_var=False)
        assert (found.t, found.df, found.p) == pytest.approx((t, df, p), rel=1e-6, abs=1e-12)
        assert (t, p, df) == pytest.approx((expected.statistic, expected.pvalue, expected.df), rel=1e-6, abs=1e-12)


def test_welch_of_tiny_values_is_that_of_the_same_values_made_large():
    found, expected = welch(*SAMPLES["tiny"]), welch(*(1e200 * sample for sample in SAMPLES["tiny"]))
    assert (found.t, found.df, found.p, found.hedges_g) == pytest.approx(
        (expected.t, expected.df, expected.p, expected.hedges_g), rel=1e-9
    )


def test_welch_by_hand():
    # means 2 and 6, variances 1 and 4, n 3 and 3: error sqrt(5/3), df (5/3)^2 / ((1/3)^2/2 + (4/3)^2/2) = 50/17
    found = welch([1, 2, 3], [4, 6, 8])
    assert (found.diff, found.t, found.df) == pytest.approx((-4, -4 / math.sqrt(5 / 3), 50 / 17))
    # pooled variance 2.5; the correction at df 4 is Γ(2) / (√2 Γ(1.5)) = 0.7979
    assert found.hedges_g == pytest.approx(-4 / math.sqrt(2.5) / (math.sqrt(2) * math.sqrt(math.pi) / 2))


def test_hedges_correction_is_near_its_approximation():
    a, b = SAMPLES["alike"]
    pooled = math.sqrt((49 * np.var(a, ddof=1) + 39 * np.var(b, ddof=1)) / 88)
    plain = (np.mean(a) - np.mean(b)) / pooled
    assert welch(a, b).hedges_g == pytest.approx(plain * (1 - 3 / (4 * 88 - 1)), rel=1e-4)
    assert abs(welch(a, b).hedges_g) < abs(plain)


def test_the_order_of_the_samples_turns_the_sign():
    a, b = SAMPLES["integers"]
    one, other = welch(a, b), welch(b, a)
    assert (one.t, one.diff, one.hedges_g, one.ci_low) == (-other.t, -other.diff, -other.hedges_g, -other.ci_high)
    assert (one.p, one.df) == (other.p, other.df)


def test_the_interval_is_wider_at_higher_confidence_and_holds_zero_when_p_says_so():
    a, b = SAMPLES["alike"]
    wide, narrow = welch(a, b, confidence=0.99), welch(a, b, confidence=1 - welch(a, b).p)
    assert wide.ci_low < welch(a, b).ci_low < welch(a, b).ci_high < wide.ci_high
    assert min(abs(narrow.ci_low), abs(narrow.ci_high)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("a", "b", "reason"),
    [
        ([0.5, 0.5, 0.5], [0.1, 0.2], "all values of a are equal"),
        ([0.1, 0.2], [0.5, 0.5, 0.5], "all values of b are equal"),
        ([1, 1], [2, 2], "all values of a are equal"),
        ([0.1 + 0.2, 0.3], [1, 2], "all values of a are equal"),
        ([0, 0], [0, 0], "all values of a are equal"),
        ([1], [1, 2], "a has one value"),
        ([1, 2], [1], "b has one value"),
        ([], [1, 2], "a has no values"),
    ],
)
def test_without_a_variance_welch_is_undefined_and_says_why(a, b, reason):
    found = welch(a, b)
    assert np.isnan(numbers(found, "hedges_g")).all()
    assert found.undefined == reason
    assert (found.n_a, found.n_b) == (len(a), len(b))
    assert found.diff == pytest.approx(np.mean(a) - np.mean(b) if a else np.nan, nan_ok=True)


@pytest.mark.parametrize("name", ["alike", "far apart", "offset", "integers"])
def test_paired_equals_scipy(name):
    a, b = (sample[:12] for sample in SAMPLES[name])
    found, expected = paired(a, b), stats.ttest_rel(a, b)
    interval = expected.confidence_interval()
    assert numbers(found) == pytest.approx(
        [expected.statistic, 11, expected.pvalue, interval.low, interval.high], rel=1e-9
    )


def test_paired_by_hand_sees_what_welch_does_not():
    # differences 1, 2, 3: mean 2, std 1, t = 2 sqrt(3); the correction at df 2 is 1 / (sqrt(pi))
    a, b = np.array([11.0, 22, 33]), np.array([10.0, 20, 30])
    assert paired(a, b).t == pytest.approx(2 * math.sqrt(3))
    assert paired(a, b).hedges_dz == pytest.approx(2 / math.sqrt(math.pi))
    assert paired(a, b).p < 0.1 < 0.8 < welch(a, b).p


@pytest.mark.parametrize(
    ("a", "b", "reason", "diff"),
    [
        ([1, 2, 3], [1, 2, 3], "all values of a - b are equal", 0),
        ([1, 2, 3], [0, 1, 2], "all values of a - b are equal", 1),
        ([0.3, 0.6], [0.1 + 0.2, 0.6], "all values of a - b are equal", 0),
        ([1], [3], "a - b has one value", -2),
        ([], [], "a - b has no values", np.nan),
    ],
)
def test_without_a_variance_of_differences_paired_is_undefined(a, b, reason, diff):
    found = paired(a, b)
    assert np.isnan(numbers(found, "hedges_dz")).all()
    assert (found.undefined, found.n) == (reason, len(a))
    assert found.diff == pytest.approx(diff, abs=1e-15, nan_ok=True)


def test_two_pairs_have_a_test_but_no_corrected_effect():
    found = paired([1, 3], [0, 0])
    assert found.p == pytest.approx(stats.ttest_rel([1, 3], [0, 0]).pvalue)
    assert np.isnan(found.hedges_dz)


@pytest.mark.parametrize("test", [welch, paired])
@pytest.mark.parametrize(
    ("a", "b", "words"),
    [
        ([1, np.nan], [1, 2], ["a", "nan in place 1"]),
        ([1, 2], [np.inf, 2], ["b", "inf in place 0"]),
        ([[1, 2]], [1, 2], ["a", "(1, 2)"]),
    ],
)
def test_samples_that_are_no_lists_of_numbers_are_refused(test, a, b, words):
    with pytest.raises(UserError) as error:
        test(a, b)
    assert [word for word in words if word not in str(error.value)] == []


def test_pairs_need_partners():
    with pytest.raises(UserError, match="2 and 3 values"):
        paired([1, 2], [1, 2, 3])


def test_bits_by_hand():
    assert kl_bits([1, 0], [0.5, 0.5]) == 1
    assert kl_bits([0.25] * 4, [0.5, 0.125, 0.125, 0.25]) == pytest.approx(0.25 * (-1 + 1 + 1 + 0))
    assert kl_bits(0.5, 0.25) == pytest.approx(0.5 * 1 + 0.5 * math.log2(2 / 3))
    assert isinstance(kl_bits(0.5, 0.25), float)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 50)), min_size=2, max_size=8))
def test_bits_equal_scipy_and_are_never_negative(pairs):
    p, q = np.array(pairs).T
    p[0] += 1
    assert kl_bits(p, q) == pytest.approx(stats.entropy(p, q, base=2), abs=1e-12)
    assert kl_bits(p, q, smoothing=0.5) == pytest.approx(stats.entropy(p + 0.5, q + 0.5, base=2), abs=1e-12)
    assert kl_bits(p, q) >= 0
    assert kl_bits(p, p) == 0


def test_bits_are_not_symmetric_and_the_second_is_the_reference():
    assert kl_bits([9, 1], [5, 5]) != pytest.approx(kl_bits([5, 5], [9, 1]))
    assert kl_bits([1, 1], [1, 0]) == math.inf
    assert kl_bits([1, 0], [1, 1]) == 1
    assert kl_bits([1, 1], [1, 0], smoothing=0.5) < math.inf


def test_signed_bits_are_positive_where_the_reference_is_more_probable():
    assert kl_bits(0.8, 0.9, signed=True) == kl_bits(0.8, 0.9) > 0
    assert kl_bits(0.9, 0.8, signed=True) == -kl_bits(0.9, 0.8) < 0
    assert kl_bits(0.9, 0.9, signed=True) == 0


def test_many_distributions_at_once():
    p, q = RNG.integers(1, 9, (2, 3, 4, 5))
    found = kl_bits(p, q, smoothing=0.5, signed=True)
    assert found.shape == (3, 4)
    assert found[2, 1] == pytest.approx(kl_bits(p[2, 1], q[2, 1], smoothing=0.5, signed=True))


@pytest.mark.parametrize(
    ("p", "q", "smoothing", "words"),
    [
        (1.2, 0.5, 0, ["p", "1.2", "probability"]),
        (0.5, np.nan, 0, ["q", "nan"]),
        (0.5, 0.5, 0.5, ["smoothing", "counts"]),
        ([1, -2], [1, 1], 0, ["p", "-2 at [1]"]),
        ([1, 1], [1, np.inf], 0, ["q", "inf at [1]"]),
        ([1, 1], [0, 0], 0, ["q", "all weights are 0"]),
        ([1, 1], [1, 1, 1], 0, ["(2,) and (3,)"]),
        ([1, 1], [1, 1], -1, ["smoothing", "-1"]),
    ],
)
def test_what_is_no_distribution_is_refused(p, q, smoothing, words):
    with pytest.raises(UserError) as error:
        kl_bits(p, q, smoothing=smoothing)
    assert [word for word in words if word not in str(error.value)] == []


def test_adjusted_p_by_hand():
    # ranks 1 to 4: 0.01 x 4/1, 0.02 x 4/2, 0.03 x 4/3, 0.5; each no larger than those of higher rank
    assert benjamini_hochberg([0.03, 0.01, 0.5, 0.02]).tolist() == pytest.approx([0.04, 0.04, 0.5, 0.04])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from([0, 1e-8, 0.01, 0.02, 0.3, 0.5, 1]) | st.floats(0, 1, allow_subnormal=False),
        min_size=1,
        max_size=20,
    )
)
def test_adjusted_p_equals_scipy(p):
    expected = stats.false_discovery_control(np.array(p, dtype=np.float64))  # whole numbers alone make scipy fail
    np.testing.assert_allclose(benjamini_hochberg(p), expected, rtol=1e-12)
    np.testing.assert_allclose(benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1], rtol=1e-12)


def test_what_was_not_tested_does_not_count_and_the_shape_is_kept():
    p = RNG.random((4, 5))
    p[np.diag_indices(4)] = np.nan
    found = benjamini_hochberg(p)
    assert np.isnan(found[np.diag_indices(4)]).all()
    tested = ~np.isnan(p)
    np.testing.assert_allclose(found[tested], stats.false_discovery_control(p[tested]), rtol=1e-12)
    assert np.all(found[tested] >= p[tested])


def test_no_tests_at_all_are_no_error():
    assert benjamini_hochberg([]).tolist() == []
    assert np.isnan(benjamini_hochberg([np.nan, np.nan])).all()
    assert benjamini_hochberg(0.04) == pytest.approx(0.04)


@pytest.mark.parametrize("wrong", [-0.1, 1.1, np.inf])
def test_p_values_lie_between_zero_and_one(wrong):
    with pytest.raises(UserError, match=f"{wrong:g}"):
        benjamini_hochberg([0.5, wrong])
