import numpy as np
import pytest
from scipy import stats

from workflow_lib.errors import UserError
from workflow_lib.kstar import summarize
from workflow_lib.kstar.summary import pattern_of, skewness_of


def test_fractured_classes_of_the_papers_tables():
    table = summarize([1] * 130, ["fifty"] * 50 + ["eighty"] * 80)
    assert table["label"].tolist() == ["eighty", "fifty"]
    assert table["n"].tolist() == [80, 50]
    np.testing.assert_allclose(table["mean"], [1 / 80, 1 / 50])
    np.testing.assert_allclose(table["skewness"], [8.8867, 6.9968], atol=5e-5)
    assert table["pattern"].tolist() == ["Fractured"] * 2


def test_by_hand():
    table = summarize([1, 2, 2, 4, 3], [7] * 5, skewness="plain").iloc[0]
    values = np.array([1, 2, 2, 4, 3]) / 5
    assert (table["label"], table["n"]) == (7, 5)
    assert table["mean"] == pytest.approx(0.48)
    assert table["std"] == pytest.approx(np.sqrt(np.mean((values - 0.48) ** 2)))
    assert table["skewness"] == pytest.approx(0.27154541)


@pytest.mark.parametrize("choice", ["anchored", "plain"])
def test_skewness_is_that_of_scipy(choice):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    kappa = np.concatenate([rng.integers(1, 5, 40), rng.integers(30, 41, 40), rng.integers(1, 41, 40)])
    ends = [0, 1] if choice == "anchored" else []
    expected = [stats.skew([*kappa[labels == c] / 40, *ends]) for c in range(3)]
    np.testing.assert_allclose(summarize(kappa, labels, choice)["skewness"], expected, rtol=1e-12)


def test_mean_and_spread_do_not_depend_on_the_ends():
    kappa, labels = [1, 4, 3, 2, 2, 1], ["a"] * 4 + ["b"] * 2
    columns = ["label", "n", "mean", "std"]
    assert summarize(kappa, labels)[columns].equals(summarize(kappa, labels, "plain")[columns])


def test_plain_skewness_of_equal_values_is_undefined():
    table = summarize([3, 3, 3, 1], ["a", "a", "a", "one"], "plain")
    assert table["skewness"].isna().all()
    assert table["pattern"].tolist() == ["Undefined"] * 2
    anchored = summarize([3, 3, 3, 1], ["a", "a", "a", "one"])
    assert anchored["pattern"].tolist() == ["Clustered"] * 2


@pytest.mark.parametrize(
    ("skewness", "threshold", "pattern"),
    [
        (0.51, 0.5, "Fractured"),
        (0.5, 0.5, "Overlapped"),
        (-0.5, 0.5, "Overlapped"),
        (-0.51, 0.5, "Clustered"),
        (0.51, 1.0, "Overlapped"),
        (0.1, 0.0, "Fractured"),
        (float("nan"), 0.5, "Undefined"),
    ],
)
def test_patterns_begin_beyond_the_threshold(skewness, threshold, pattern):
    assert pattern_of(skewness, threshold) == pattern


def test_mirrored_values_have_the_opposite_skewness():
    values = np.array([0.1, 0.2, 0.2, 0.9])
    assert skewness_of(values) == pytest.approx(-skewness_of(1 - values))
    assert skewness_of(values) > 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([1, 2], [0, 0, 0]), ["(2,)", "(3,)"]),
        (([0.5, 1.0], [0, 0]), ["float64"]),
        (([1, 3], [0, 0]), ["sample 1", "class of 2"]),
        (([0, 1], [0, 0]), ["sample 0"]),
        (([1, 2], [0, 0], "anchoured"), ["anchoured", "anchored, plain"]),
        (([1, 2], [0, 0], "plain", -1), ["threshold", "-1"]),
        (([1, 2], [0, 0], "plain", float("nan")), ["threshold", "nan"]),
    ],
)
def test_an_error_names_what_was_found(arguments, words):
    with pytest.raises(UserError) as error:
        summarize(*arguments)
    assert [word for word in words if word not in str(error.value)] == []
