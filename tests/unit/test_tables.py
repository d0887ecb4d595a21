"""Tables of a study, by hand and against plain loops."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from workflow_lib.figures.panels import number_points
from workflow_lib.figures.reading import read_named
from workflow_lib.io.storage import write_table
from workflow_lib.kstar.tables import aggregate_table, class_table, piece_table, seed_table
from workflow_lib.points import DIMENSIONS

POINT = dict(zip(DIMENSIONS, ["net", "digits", 0, 100, "test", "original", "logits", "euclidean"], strict=True))
NAMES = ["NA", "unused", "007"]


def store(kappa, labels, predictions=None, names=NAMES):
    coords = {"label": ("sample", labels)}
    if predictions is not None:
        coords["prediction"] = ("sample", predictions)
    return xr.Dataset(
        {"kappa": ("sample", kappa)},
        coords,
        {"class_names": names, "left_out": [4 * (name == "007") for name in names]},
    )


SMALL = store([1, 2, 2, 1, 1], [0, 0, 0, 2, 2], predictions=[0, 0, 1, 2, 2])


def test_a_row_per_class_by_hand():
    table = class_table([POINT], [SMALL])
    assert list(table)[:8] == list(DIMENSIONS)
    assert table["class_name"].tolist() == ["NA", "007"]
    assert table["label"].tolist() == [0, 2]
    assert table["n"].tolist() == [3, 2]
    assert table["left_out"].tolist() == [0, 4]
    np.testing.assert_allclose(table["mean"], [5 / 9, 1 / 2])
    np.testing.assert_allclose(table["std"], [np.std([1 / 3, 2 / 3, 2 / 3]), 0])
    np.testing.assert_allclose(table["accuracy"], [2 / 3, 1])


def test_strength_and_attack_success_by_hand():
    attacked = SMALL.assign_coords(attack_success=("sample", np.array([True, False, False, True, True])))
    strengths = {"original": 0.0, "pgd": 0.1, "own": None}
    points = [POINT | {"transform": name} for name in strengths]
    table = class_table(points, [SMALL, attacked, SMALL], strengths=strengths)
    assert list(table)[len(DIMENSIONS)] == "strength"
    np.testing.assert_array_equal(table["strength"], [0, 0, 0.1, 0.1, np.nan, np.nan])
    np.testing.assert_allclose(table["attack_success"], [np.nan, np.nan, 1 / 3, 1, np.nan, np.nan])
    assert class_table([POINT], [SMALL])["strength"].isna().all()


def test_censored_samples_are_counted_and_leave_undefined_what_they_decide():
    """Three of the five samples of NA are censored, so its pattern is open; in 007 one of ten does not matter.

    NA: with k* 0.2 of all five it is Fractured, with 1 of three of them it is not. 007: Fractured both ways.
    """
    labels = np.repeat([0, 2], [5, 10])
    about = store([1] * 15, labels).assign(censored=("sample", [True] * 3 + [False] * 11 + [True]))
    about.attrs |= {"checked": [4, 0, 0], "agreed": [3, 0, 0]}
    table = class_table([POINT], [about])
    assert table["censored"].tolist() == [3, 1]
    np.testing.assert_array_equal(table["agreement"], [0.75, np.nan])
    assert table["pattern"].tolist() == ["Undefined", "Fractured"]
    assert table["skewness"].isna().tolist() == [True, False]
    assert table["skewness_low"].isna().tolist() == table["pattern_share"].isna().tolist() == [True, False]
    np.testing.assert_allclose(table["mean"], [0.2, 0.1])  # of the lower bounds
    exact = class_table([POINT], [about.drop_vars("censored").assign_attrs(checked=[0] * 3, agreed=[0] * 3)])
    assert exact["pattern"].tolist() == ["Fractured", "Fractured"]
    assert exact["censored"].tolist() == [0, 0]


def test_pieces_are_unknown_where_kstar_is_approximate():
    table = piece_table([POINT], [SMALL.assign(piece=("sample", [-1] * 5))])
    assert table["made_of"].tolist() == ["unknown", "unknown"]
    assert table[["pieces", "effective_pieces", "largest_piece", "second_piece", "alone"]].isna().all(axis=None)


def test_intervals_and_pieces_have_a_row_per_class():
    table = class_table([POINT], [SMALL])
    assert (table["mean_low"] <= table["mean"]).all()
    assert (table["mean"] <= table["mean_high"]).all()
    pieces = piece_table([POINT], [SMALL.assign(piece=("sample", [0, 0, 1, 0, 1]))])
    assert list(pieces)[:10] == [*DIMENSIONS, "label", "class_name"]
    assert pieces["class_name"].tolist() == ["NA", "007"]
    assert pieces["pieces"].tolist() == [2, 2]
    np.testing.assert_allclose(pieces["alone"], [1 / 3, 1])


def test_skewness_and_threshold_are_handed_on():
    strict, loose = (class_table([POINT], [SMALL], "plain", threshold) for threshold in (0.5, 5))
    assert strict["pattern"].tolist() == ["Clustered", "Undefined"]
    assert loose["pattern"].tolist() == ["Overlapped", "Undefined"]
    assert np.isnan(strict["skewness"][1])
    assert class_table([POINT], [SMALL])["skewness"].notna().all()


def test_accuracy_without_predictions_is_nan():
    assert class_table([POINT], [SMALL.drop_vars("prediction")])["accuracy"].isna().all()


def test_points_and_stores_must_pair():
    with pytest.raises(ValueError, match="argument 2 is"):
        class_table([POINT], [SMALL, SMALL])


def test_order_of_samples_does_not_matter():
    order = [4, 1, 3, 0, 2]
    pd.testing.assert_frame_equal(class_table([POINT], [SMALL]), class_table([POINT], [SMALL.isel(sample=order)]))


@pytest.fixture
def classes():
    generator = np.random.default_rng(0)
    labels = np.repeat(np.arange(9), 20)
    stores = [
        store(generator.integers(low, high, 180), labels, generator.integers(0, 9, 180), [f"c{i}" for i in range(9)])
        for low, high in [(1, 21), (1, 4), (17, 21)]
    ]
    return class_table([{**POINT, "interval": interval} for interval in (25, 100, 60)], stores)


def test_aggregates_equal_plain_loops(classes):
    table = aggregate_table(classes)
    assert len(table) == 3 * 4
    for row in table.itertuples():
        members = [
            each
            for each in classes.itertuples()
            if each.interval == row.interval and row.pattern in (each.pattern, "All")
        ]
        assert row.n_classes == len(members)
        for value in ("mean", "skewness", "accuracy"):
            expected = np.mean([getattr(each, value) for each in members]) if members else np.nan
            np.testing.assert_allclose(getattr(row, value), expected)


def test_aggregates_keep_the_order_of_points_and_patterns(classes):
    table = aggregate_table(classes)
    assert table["interval"].drop_duplicates().tolist() == [25, 100, 60]
    assert table["pattern"][:4].tolist() == ["Fractured", "Overlapped", "Clustered", "All"]
    pd.testing.assert_frame_equal(table, aggregate_table(classes.sample(frac=1, random_state=0).sort_index()))


def test_an_empty_pattern_is_empty_in_the_file(classes, tmp_path):
    table = aggregate_table(classes)
    fractured = table[(table["interval"] == 60) & (table["pattern"] == "Fractured")]
    assert fractured["n_classes"].tolist() == [0]
    write_table(fractured, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().endswith("Fractured,0,,,\n")


def test_undefined_skewness_counts_among_all_and_is_left_out_of_its_mean():
    table = aggregate_table(class_table([POINT], [SMALL], "plain"))
    every = table[table["pattern"] == "All"].iloc[0]
    assert every["n_classes"] == 2
    np.testing.assert_allclose(every["skewness"], class_table([POINT], [SMALL], "plain")["skewness"][0])
    assert table["n_classes"].tolist() == [0, 0, 1, 2]


def test_seeds_by_hand():
    other = store([3, 3, 3, 1, 2], [0, 0, 0, 2, 2])
    points = [{**POINT, "seed": seed, "layer": layer} for layer in ("a", "b") for seed in (0, 1)]
    classes = class_table(points, [SMALL, other, SMALL, SMALL])
    classes["pattern"] = ["Fractured", "Clustered"] * 2 + ["Undefined"] * 4
    table = seed_table(classes)
    assert "seed" not in table
    assert table[["layer", "class_name"]].to_numpy().tolist() == [["a", "NA"], ["a", "007"], ["b", "NA"], ["b", "007"]]
    np.testing.assert_allclose(table["mean"], [(5 / 9 + 1) / 2, (1 / 2 + 3 / 4) / 2, 5 / 9, 1 / 2])
    np.testing.assert_allclose(table["std"], [4 / 9 / np.sqrt(2), 1 / 4 / np.sqrt(2), 0, 0], atol=1e-15)
    assert table["seeds"].tolist() == [2] * 4
    patterns = ["fractured", "overlapped", "clustered", "undefined"]
    assert table[patterns].to_numpy().tolist() == [[2, 0, 0, 0], [0, 0, 2, 0], [0, 0, 0, 2], [0, 0, 0, 2]]


def test_one_seed_has_no_deviation():
    assert seed_table(class_table([POINT], [SMALL]))["std"].isna().all()


def test_names_that_look_like_numbers_or_nothing_survive_the_file(tmp_path):
    table = class_table([POINT], [SMALL.drop_vars("prediction")])
    write_table(table, tmp_path / "a.csv")
    pd.testing.assert_frame_equal(read_named(tmp_path / "a.csv"), table, check_dtype=False)
    assert pd.read_csv(tmp_path / "a.csv")["class_name"].isna().any()


def test_rows_are_numbered_by_their_point(classes):
    points = [{**POINT, "interval": interval} for interval in (100, 25)]
    numbered = number_points(classes, points)
    assert numbered.groupby("interval")["point"].unique().to_dict() == {25: [1], 100: [0]}
