"""One store of all runs, and the tables that are read from it: order, sums, spread, what diverged."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from confusion_cases import diverge, store, study

from workflow_lib.confusion import tables
from workflow_lib.confusion.runs import read
from workflow_lib.io import storage
from workflow_lib.steps.collect_confusion import collect_confusion
from workflow_lib.steps.tabulate_confusion import tabulate_confusion

TABLES = ("effects", "groups", "runs", "means", "pairs", "shares", "losses")


def single_runs(dataset, folder):
    """The stores of the single runs of a study, as the trainings write them, in order."""
    paths = []
    for pair, seed in np.ndindex(dataset.sizes["pair"], dataset.sizes["seed"]):
        run = dataset[["counts", "loss", "diverged"]].isel(pair=pair, seed=seed).drop_vars(["pair", "seed"])
        classes = [str(dataset["true"].values[c]) for c in dataset["member"].values[pair] if c >= 0]
        run.attrs.update(title="one run", pair=str(dataset["pair"].values[pair]), seed=seed, classes=classes)
        paths.append(folder / f"{pair}-{seed}.zarr.zip")
        storage.save(run, paths[-1])
    return paths


def collected(dataset, folder):
    spec = {"pairs": "all", "mode": dataset.attrs["mode"], "seeds": [int(seed) for seed in dataset["seed"].values]}
    path = folder / "counts.zarr.zip"
    collect_confusion(spec=spec, stores=single_runs(dataset, folder), counts=path)
    return path


@pytest.fixture(scope="module")
def dataset():
    return diverge(study(4, 3, pairs=[(0, 3), (2, 1), (0, 1)], source=4), (0, 2), (2, 0))


@pytest.mark.parametrize("chunk_bytes", [storage.CHUNK_BYTES, 2 * 3 * 16 * 8])
def test_runs_come_back_as_they_were_whatever_the_chunks(tmp_path, dataset, monkeypatch, chunk_bytes):
    monkeypatch.setattr(storage, "CHUNK_BYTES", chunk_bytes)
    found = storage.load(collected(dataset, tmp_path))
    xr.testing.assert_equal(found.load(), dataset)
    assert found.attrs["mode"] == "swap"
    assert {name: str(found[name].dtype) for name in found.data_vars} == {
        "counts": "int64",
        "loss": "float64",
        "diverged": "bool",
        "member": "int64",
    }
    one, other = read(found), read(dataset)
    for name in vars(one):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_equal_runs_give_equal_bytes(tmp_path, dataset):
    for name in "ab":
        (tmp_path / name).mkdir()
    one, other = (collected(dataset, tmp_path / name).read_bytes() for name in "ab")
    assert one == other


def test_what_is_read_leaves_out_what_diverged(dataset):
    runs = read(dataset)
    counts, good = dataset["counts"].values, ~dataset["diverged"].values
    for pair, seed, true in np.ndindex(4, 3, 4):
        row = counts[pair, seed, true]
        expected = row[true] / row.sum() if good[pair, seed] else np.nan
        np.testing.assert_equal(runs.accuracy[pair, seed, true], expected)
    np.testing.assert_array_equal(runs.predictions[2], counts[2, 1] + counts[2, 2])
    assert runs.counted.tolist() == [2, 3, 2, 3]
    assert runs.in_pair.tolist() == [
        [False] * 4,
        [True, False, False, True],
        [False, True, True, False],
        [True, True, False, False],
    ]


def test_accuracies_have_a_row_per_run_and_class(dataset):
    found = tables.accuracy_table(read(dataset))
    assert len(found) == 4 * 3 * 4
    row = found[(found["pair"] == "c2+c1") & (found["seed"] == 1) & (found["target"] == "c2")].iloc[0]
    counts = dataset["counts"].values[2, 1, 2]
    assert (row["accuracy"], row["in_pair"], row["diverged"]) == (counts[2] / counts.sum(), True, False)
    gone = found[(found["pair"] == "baseline") & (found["seed"] == 2)]
    assert gone["diverged"].all()
    assert gone["accuracy"].isna().all()
    assert not found.loc[found["pair"] == "baseline", "in_pair"].any()


def test_means_and_spread_are_over_the_runs_that_count(dataset):
    found = tables.mean_table(read(dataset)).astype({"pair": str, "target": str})
    single = tables.accuracy_table(read(dataset)).astype({"pair": str, "target": str})
    expected = single.groupby(["pair", "target"], sort=False)["accuracy"].agg(["count", "mean", "std", "min", "max"])
    np.testing.assert_allclose(found[["n", "mean", "sd", "lowest", "highest"]], expected)
    assert found.loc[found["pair"] == "c2+c1", "n"].tolist() == [2] * 4


def test_spread_of_one_run_and_of_none_is_nan():
    runs = read(diverge(study(3, 2), (0, 0), (1, 0), (1, 1)))
    found = tables.mean_table(runs)
    one, none = found[found["pair"] == "baseline"], found[found["pair"] == "c0+c1"]
    assert one["n"].tolist() == [1] * 3
    assert (one["sd"].isna() & (one["mean"] == one["lowest"])).all()
    assert none["n"].tolist() == [0] * 3
    assert none[["mean", "sd", "lowest", "highest"]].isna().all(axis=None)
    assert tables.pair_table(runs).loc[1, ["accuracy_own", "telling_apart"]].isna().all()


def test_curves_do_not_hold_what_diverged_runs_lost_before(dataset):
    found = tables.curve_table(read(dataset))
    loss = dataset["loss"].values[2, 1:]
    here = found[found["pair"] == "c2+c1"]
    assert here["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(here["mean"], loss.mean(axis=0))
    np.testing.assert_allclose(here["sd"], loss.std(axis=0, ddof=1))
    np.testing.assert_allclose(here["highest"], loss.max(axis=0))
    assert here["n"].tolist() == [2] * 6


def test_pairs_by_hand():
    # 3 classes; one pair (a, b), two runs of it, one of which diverged
    names, counts = ["a", "b", "c"], np.zeros((2, 2, 3, 3), dtype=int)
    counts[0] = [[9, 1, 0], [0, 8, 2], [1, 0, 9]]
    counts[1, 0] = [[6, 3, 1], [3, 5, 2], [2, 1, 7]]
    counts[1, 1] = 100
    diverged = np.array([[False, False], [False, True]])
    baseline, pair = tables.pair_table(
        read(store(counts, np.ones((2, 2, 1)), [(-1, -1), (0, 1)], names, diverged))
    ).to_dict("records")
    assert (pair["class_a"], pair["class_b"], pair["runs"], pair["diverged"]) == ("a", "b", 2, 1)
    assert (pair["accuracy_own"], pair["baseline_own"]) == pytest.approx((0.55, 0.85))
    assert (pair["accuracy_others"], pair["baseline_others"]) == pytest.approx((0.7, 0.9))
    assert pair["telling_apart"] == pytest.approx((6 / 9 + 5 / 8) / 2)
    assert pair["baseline_telling_apart"] == pytest.approx((9 / 10 + 8 / 8) / 2)
    assert (baseline["class_a"], baseline["diverged"]) == ("", 0)
    assert baseline["accuracy_others"] == pytest.approx(26 / 30)
    assert np.isnan([baseline[name] for name in ("accuracy_own", "baseline_own", "telling_apart")]).all()


def test_a_mixed_up_pair_cannot_be_told_apart_and_one_of_which_no_label_changed_can():
    mixed, null = (tables.pair_table(read(study(4, 10, share=share))) for share in (0.5, 0.0))
    np.testing.assert_allclose(mixed["telling_apart"][1:], 0.5, atol=0.05)
    assert (null["telling_apart"][1:] > 0.9).all()


def test_matrices_are_the_mean_of_the_runs_that_count(dataset):
    found = tables.matrix_table(read(dataset))
    assert len(found) == 4 * 16
    own = found[found["pair"] == "c2+c1"]["share"].to_numpy().reshape(4, 4)
    counts = dataset["counts"].values[2, 1:]
    np.testing.assert_allclose(own, (counts / counts.sum(axis=-1, keepdims=True)).mean(axis=0))


def test_of_many_classes_a_pair_has_the_rows_of_its_own_two():
    found = tables.matrix_table(read(study(21, 1, pairs=[(3, 20), (4, 5)])))
    assert len(found) == 21 * 21 + 2 * 2 * 21
    assert found.loc[found["pair"] == "c3+c20", "true"].unique().tolist() == ["c3", "c20"]


def test_of_many_classes_a_run_has_the_rows_of_its_pair_and_the_baseline_all():
    dataset = study(21, 2, pairs=[(3, 20), (4, 5)])
    found = tables.accuracy_table(read(dataset))
    assert len(found) == 2 * 21 + 2 * 2 * 2
    row = found[(found["pair"] == "c3+c20") & (found["seed"] == 1) & (found["target"] == "c20")].iloc[0]
    assert row["accuracy"] == dataset["counts"].values[1, 1, 20, 20] / 100
    assert found.loc[found["pair"] == "baseline", "target"].nunique() == 21


def tabulated(dataset, folder, **changes):
    counts = folder / "counts.zarr.zip"
    storage.save(dataset, counts)
    paths = {name: folder / f"{name}.csv" for name in TABLES}
    spec = {"groups": {}, "permutations": 99, "seed": 0} | changes
    tabulate_confusion(spec=spec, counts=counts, **paths)
    return paths


def test_tables_are_written_with_their_names_as_text(tmp_path):
    dataset = study(4, 2, names=["1", "007", "NA", "a,b"], pairs=[(0, 1), (2, 3)])
    paths = tabulated(dataset, tmp_path, groups={"odd": ["1", "NA"], "even": ["007", "a,b"]})
    text = ["pair", "target", "confused", "true", "predicted", "reference", "unit", "undefined"]
    tables = {name: storage.read_table(path, text) for name, path in paths.items()}
    assert {name: len(table) for name, table in tables.items()} == {
        "effects": 4 * 12,
        "groups": 4,
        "runs": 3 * 2 * 4,
        "means": 3 * 4,
        "pairs": 3,
        "shares": 3 * 16,
        "losses": 3 * 6,
    }
    assert all(set(table["mode"]) == {"swap"} for table in tables.values())
    assert tables["runs"]["target"].unique().tolist() == ["1", "007", "NA", "a,b"]
    assert tables["pairs"]["pair"].tolist() == ["baseline", "1+007", "NA+a,b"]


def test_equal_input_gives_equal_bytes(tmp_path, dataset):
    written = []
    for name in "ab":
        (tmp_path / name).mkdir()
        paths = tabulated(dataset, tmp_path / name, groups={"a": ["c0", "c1"], "b": ["c2", "c3"]})
        written.append([path.read_bytes() for path in paths.values()])
    assert written[0] == written[1]


def test_a_study_of_two_classes_has_tables(tmp_path):
    paths = tabulated(study(2, 2), tmp_path)
    assert len(pd.read_csv(paths["effects"])) == 8
    assert storage.read_table(paths["groups"]).empty
