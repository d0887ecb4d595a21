"""Tables over intervals, initialisations and seeds: every number by hand or by plain loops."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from workflow_lib.dissimilarity import Selection, stream, summarise
from workflow_lib.dissimilarity.summary import EDGES
from workflow_lib.dissimilarity.tables import (
    aggregate_table,
    class_table,
    contrast_table,
    histogram_table,
    pair_table,
    statistics_table,
)

NAMES = ["cat", "1", "NA"]
KEYS = {"model": "net", "interval": 25, "tensor": "C", "include_self": False, "unconverged": "leave_out"}


@pytest.fixture(scope="module")
def summaries():
    return summarise(stream(np.random.default_rng(0).random((3, 3, 6))), np.eye(3) < 1)


def sets(*rows, **keys):
    """Rows (seed, initialisation, mean, std, outlier_share)."""
    columns = ["seed", "initialisation", "mean", "std", "outlier_share"]
    return pd.DataFrame([{**KEYS, **keys, **dict(zip(columns, row, strict=True))} for row in rows])


def classes(values, seed=0, initialisation=0, interval=25):
    """Rows of `class_table`, from {class: (C, R)}."""
    point = {"model": "net", "interval": interval, "seed": seed, "initialisation": initialisation}
    return pd.DataFrame([{**point, "class_name": name, "C": c, "R": r} for name, (c, r) in values.items()])


def test_a_set_has_a_row_for_each_tensor_and_selection(summaries):
    table = statistics_table(summaries)
    assert len(table) == 8
    assert not table.duplicated(["tensor", "include_self", "unconverged"]).any()
    row = table.query("tensor == 'R' and include_self and unconverged == 'keep'").iloc[0]
    expected = summaries["R", Selection(True, "keep")]
    assert (row["count"], row["mean"], row["std"], row["outliers"]) == (27, expected.mean, expected.std, 0)


def test_classes_pairs_and_bins_are_named(summaries):
    selection = Selection(unconverged="keep")
    by_class = class_table(summaries, selection, NAMES)
    assert by_class["class_name"].tolist() == NAMES
    assert by_class["R"].tolist() == summaries["R", selection].by_class.tolist()
    pairs = pair_table(summaries, selection, NAMES)
    assert len(pairs) == 18
    one = pairs.query("tensor == 'C' and class_name == 'cat' and other_class == 'NA'")["mean"].item()
    assert one == summaries["C", selection].by_pair[0, 2]
    bins = histogram_table(summaries, selection)
    assert bins.groupby("tensor")["count"].sum().to_dict() == {"C": 18, "R": 18}
    assert bins["low"].tolist() == [*EDGES[:-1]] * 2


def test_means_are_over_initialisations_first_then_over_seeds():
    # Seed 0 has three initialisations, seed 1 has one: each seed counts the same.
    table = aggregate_table(sets((0, 0, 1, 0.1, 0), (0, 1, 2, 0.2, 0), (0, 2, 3, 0.6, 0.3), (1, 0, 8, 0.5, 0.3)))
    row = table.iloc[0]
    assert len(table) == 1
    assert (row["seeds"], row["sets"]) == (2, 4)
    assert row["mean"] == (2 + 8) / 2
    assert row["std"] == pytest.approx((0.3 + 0.5) / 2)
    assert row["outlier_share"] == pytest.approx((0.1 + 0.3) / 2)


def test_spreads_are_within_seeds_and_between_them():
    table = aggregate_table(sets((0, 0, 1, 0, 0), (0, 1, 3, 0, 0), (1, 0, 5, 0, 0), (1, 1, 9, 0, 0), (2, 0, 2, 0, 0)))
    row = table.iloc[0]
    within = np.sqrt((np.var([1, 3], ddof=1) + np.var([5, 9], ddof=1)) / 2)  # seed 2 has no spread
    assert row["mean_initialisations"] == pytest.approx(within)
    assert row["mean_seeds"] == pytest.approx(np.std([2, 7, 2], ddof=1))
    assert row["std_initialisations"] == row["std_seeds"] == 0


def test_the_spread_of_one_is_unknown():
    row = aggregate_table(sets((0, 0, 1, 0.5, 0))).iloc[0]
    assert row[["mean_initialisations", "mean_seeds", "std_seeds"]].isna().all()
    assert (row["mean"], row["std"]) == (1, 0.5)
    row = aggregate_table(sets((0, 0, 1, 0, 0), (0, 1, 2, 0, 0))).iloc[0]
    assert row["mean_initialisations"] == pytest.approx(np.sqrt(0.5))
    assert np.isnan(row["mean_seeds"])


def test_a_set_without_entries_is_left_out_and_counted():
    nothing = np.nan
    table = aggregate_table(
        pd.concat(
            [
                sets((0, 0, 1, 0.1, 0), (0, 1, nothing, nothing, nothing)),
                sets((0, 0, nothing, nothing, nothing), interval=40),
            ]
        )
    )
    assert table[["interval", "seeds", "sets"]].to_numpy().tolist() == [[25, 1, 1], [40, 0, 0]]
    assert table["mean"].tolist() == pytest.approx([1, nothing], nan_ok=True)


def test_what_differs_in_another_column_is_not_averaged():
    points = [{}, {"interval": 100}, {"tensor": "R"}, {"include_self": True}, {"model": "other"}]
    table = aggregate_table(pd.concat([sets((0, 0, i, 0, 0), **point) for i, point in enumerate(points)]))
    assert table["mean"].tolist() == [0, 1, 2, 3, 4]
    assert table["interval"].tolist() == [25, 100, 25, 25, 25]


def test_the_order_of_rows_does_not_matter(summaries):
    rng = np.random.default_rng(0)
    rows = sets(*[(s, i, *rng.random(3)) for s in range(3) for i in range(4)])
    first, again = aggregate_table(rows), aggregate_table(rows.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(first, again)


def test_c_against_r_is_paired_over_classes():
    rng = np.random.default_rng(0)
    C, R = rng.random((2, 8))
    row = contrast_table(classes({f"k{i}": pair for i, pair in enumerate(zip(C, R, strict=True))})).iloc[0]
    expected = stats.ttest_rel(C, R)
    assert (row["t"], row["p"], row["df"]) == pytest.approx((expected.statistic, expected.pvalue, 7), rel=1e-10)
    interval = expected.confidence_interval()
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((interval.low, interval.high))
    assert (row["C"], row["R"], row["difference"]) == pytest.approx((C.mean(), R.mean(), np.mean(C - R)))
    plain = np.mean(C - R) / np.std(C - R, ddof=1)
    assert row["hedges_dz"] == pytest.approx(plain * (1 - 3 / (4 * 7 - 1)), rel=1e-3)
    assert (row["classes"], row["undefined"]) == (8, "")


def test_classes_stay_the_units_however_many_initialisations_there_are():
    once = {"a": (0.5, 0.1), "b": (0.6, 0.4), "c": (0.8, 0.3)}
    many = pd.concat([classes(once, seed, start) for seed in range(3) for start in range(4)])
    pd.testing.assert_frame_equal(contrast_table(many), contrast_table(classes(once)))
    # Two starts of seed 0 and one of seed 1: seeds weigh the same.
    parts = [classes({"a": (c, 0), "b": (2, 1)}, seed, i) for c, seed, i in [(1, 0, 0), (3, 0, 1), (8, 1, 0)]]
    assert contrast_table(pd.concat(parts))["C"].item() == np.mean([5, 2])


def test_every_interval_has_its_test_in_the_order_given():
    parts = [classes({"a": (i, 0), "b": (2 * i, 0)}, interval=i) for i in (100, 25)]
    table = contrast_table(pd.concat(parts))
    assert table["interval"].tolist() == [100, 25]
    assert table["difference"].tolist() == [150, 37.5]


def test_equal_tensors_have_no_test_and_say_why():
    row = contrast_table(classes({"a": (0.3, 0.3), "b": (0.5, 0.5), "c": (0.1 + 0.2, 0.3)})).iloc[0]
    assert row[["t", "p", "df", "hedges_dz", "ci_low"]].isna().all()
    assert row["undefined"] == "all values of a - b are equal"
    assert row["difference"] == pytest.approx(0)


def test_a_class_without_entries_is_left_out():
    table = contrast_table(classes({"a": (0.3, 0.1), "b": (np.nan, 0.5), "c": (0.4, 0.3)}))
    assert table["classes"].item() == 2
    assert table["difference"].item() == pytest.approx(0.15)
    alone = contrast_table(classes({"a": (0.3, np.nan), "b": (np.nan, 0.5)})).iloc[0]
    assert alone["classes"] == 0
    assert alone["undefined"] == "a - b has no values"
