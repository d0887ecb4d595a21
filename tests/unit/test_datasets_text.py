"""Texts and rows of numbers from the user's tables."""

import json

import numpy as np
import pandas as pd
import pytest

from workflow_lib.datasets.artifact import open_split, open_texts
from workflow_lib.datasets.sources import load
from workflow_lib.errors import UserError
from workflow_lib.steps.prepare_dataset import prepare_dataset

ROWS = [(f"{word} {number}", label) for number in range(4) for word, label in (("yes", "agree"), ("no", "deny"))]
FRAME = pd.DataFrame(ROWS, columns=["text", "label"]).assign(split=["train"] * 4 + ["test"] * 4)
TEXT = {"source": "text", "texts": "text"}
COMMON = {"labels": "label", "ids": None, "splits": "split", "test_fraction": None, "split_seed": 0}
TABLE = {"source": "table", "features": None, "scaling": "none"}


def save(path):
    if path.suffix == ".csv":
        FRAME.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        FRAME.to_parquet(path)
    elif path.suffix == ".jsonl":
        path.write_text("\n".join(json.dumps(row) for row in FRAME.to_dict("records")))
    elif path.stem == "splits":
        parts = {name: part.drop(columns="split").to_dict("records") for name, part in FRAME.groupby("split")}
        path.write_text(json.dumps(parts))
    else:
        path.write_text(json.dumps(FRAME.to_dict("records")))


@pytest.mark.parametrize("name", ["x.csv", "x.parquet", "x.jsonl", "x.json", "splits.json"])
def test_every_format_says_the_same(tmp_path, name):
    save(tmp_path / name)
    splits = load({**TEXT, **COMMON, "path": str(tmp_path / name)})
    assert splits["train"].texts.tolist() == ["yes 0", "no 0", "yes 1", "no 1"]
    assert splits["test"].texts.tolist() == ["yes 2", "no 2", "yes 3", "no 3"]
    assert splits["test"].labels.tolist() == [0, 1, 0, 1]
    assert splits["test"].class_names == ("agree", "deny")


def test_rows_may_be_lists_and_rows_of_other_splits_are_left_out(tmp_path, capsys):
    parts = {"val": [["perhaps", "agree"]], "train": ROWS[:4], "test": ROWS[4:]}
    (tmp_path / "x.json").write_text(json.dumps(parts))
    spec = {**TEXT, **COMMON, "texts": "0", "labels": "1", "path": str(tmp_path / "x.json")}
    splits = load(spec)
    assert splits["train"].texts.tolist() == ["yes 0", "no 0", "yes 1", "no 1"]
    assert splits["train"].ids.tolist() == ["row-00001", "row-00002", "row-00003", "row-00004"]
    assert "left out rows of other splits: 1 of val" in capsys.readouterr().err


def test_texts_are_stored_as_they_are(tmp_path):
    texts = ["NA", "1", " a, b ", "Ö\n2", "x", "y", "z", "null"]
    FRAME.assign(text=texts).to_csv(tmp_path / "x.csv", index=False)
    spec = {**TEXT, **COMMON, "splits": None, "test_fraction": 0.5, "path": str(tmp_path / "x.csv")}
    files = {name: tmp_path / f"{name}.zarr.zip" for name in ("train", "test")}
    prepare_dataset(spec=spec, **files)
    stored = {}
    for split in map(open_texts, files.values()):
        stored |= dict(zip(split.ids.tolist(), split.texts.tolist(), strict=True))
    assert [stored[f"row-{row:05d}"] for row in range(8)] == texts


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            "text,label,split\n ,agree,train\nno,,test\n",
            ["1 row: row-00000", "column text is empty", "1 row: row-00001"],
        ),
        ("text,split\nyes,train\n", ["label", "the file has split, text"]),
        ("text,label,split\nyes,agree,train\n", ["no row has the split test"]),
        (
            "text,label,split\nyes,a,train\nno,b,train\nyes,a,train\nno,b,train\nyes,a,test\nno,a,test\n",
            ["class b", "a class has no sample"],
        ),
    ],
)
def test_mistakes_are_named_all_at_once(tmp_path, content, said):
    (tmp_path / "x.csv").write_text(content)
    files = {name: tmp_path / f"{name}.zarr.zip" for name in ("train", "test")}
    with pytest.raises(UserError) as caught:
        prepare_dataset(spec={**TEXT, **COMMON, "path": str(tmp_path / "x.csv")}, **files)
    for words in [str(tmp_path / "x.csv"), *said]:
        assert words in str(caught.value)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", "text,label\nMüller,a\n".encode("latin-1"), "not in UTF-8"),
        ("x.json", b'{"train": 3}', "neither a list of rows"),
        ("x.json", b"[3]", "a row is 3, and not an object or a list"),
        ("x.jsonl", b'{"text": "a"}\n{"text"}\n', "line 2"),
        ("x.txt", b"a", "ends in none of"),
    ],
)
def test_unreadable_files_are_named(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said):
        load({**TEXT, **COMMON, "path": str(tmp_path / name)})


def test_repeated_ids_are_refused(tmp_path):
    FRAME.assign(id=["a", "a", "b", "c"] * 2).to_csv(tmp_path / "x.csv", index=False)
    files = {name: tmp_path / f"{name}.zarr.zip" for name in ("train", "test")}
    with pytest.raises(UserError, match="several rows have the same id"):
        prepare_dataset(spec={**TEXT, **COMMON, "ids": "id", "path": str(tmp_path / "x.csv")}, **files)


NUMBERS = pd.DataFrame({"a": [0, 2, 4, 8], "b": [5.0, 5.0, 5.0, 6.0], "label": list("xyxy"), "split": ["train"] * 4})
NUMBERS = pd.concat([NUMBERS, NUMBERS.assign(a=[16, -8, 4, 4], split="test")])


@pytest.mark.parametrize(
    ("scaling", "train", "test"),
    [
        ("none", [[0, 5], [2, 5], [4, 5], [8, 6]], [[16, 5], [-8, 5], [4, 5], [4, 6]]),
        ("unit", [[0, 0], [0.25, 0], [0.5, 0], [1, 1]], [[2, 0], [-1, 0], [0.5, 0], [0.5, 1]]),
    ],
)
def test_scaling_follows_from_the_training_split(tmp_path, scaling, train, test):
    NUMBERS.to_csv(tmp_path / "x.csv", index=False)
    spec = {**TABLE, **COMMON, "path": str(tmp_path / "x.csv"), "scaling": scaling}
    files = {name: tmp_path / f"{name}.zarr.zip" for name in ("train", "test")}
    prepare_dataset(spec=spec, **files)
    split = open_split(files["train"])
    assert split.image_shape == (1, 1, 2)
    np.testing.assert_array_equal(split.all_images()[:, 0, 0], train)
    np.testing.assert_array_equal(open_split(files["test"]).all_images()[:, 0, 0], test)


def test_standard_scaling_and_constant_features(tmp_path):
    NUMBERS.assign(b=3).to_csv(tmp_path / "x.csv", index=False)
    spec = {**TABLE, **COMMON, "path": str(tmp_path / "x.csv"), "scaling": "standard"}
    rows = load(spec)["train"].read(np.arange(4))[:, 0, 0]
    np.testing.assert_allclose(rows[:, 0], (np.array([0, 2, 4, 8]) - 3.5) / np.std([0, 2, 4, 8]), rtol=1e-6)
    assert rows[:, 1].tolist() == [0] * 4


def test_cells_that_are_no_numbers_are_named_for_each_column(tmp_path):
    (tmp_path / "x.csv").write_text("a,b,label\n1,2,x\n?,,y\n1,inf,x\n")
    spec = {**TABLE, **COMMON, "splits": None, "test_fraction": 0.5, "path": str(tmp_path / "x.csv")}
    with pytest.raises(UserError) as caught:
        load(spec)
    assert len(caught.value.problems) == 2
    assert "1 cell (row-00001: ?)" in str(caught.value)
    assert "2 cells (row-00001: empty, row-00002: inf)" in str(caught.value)
    with pytest.raises(UserError, match="features.1: c\n    the file has a, b, label"):
        load(spec | {"features": ["a", "c"]})


DRAWN = {**TABLE, **COMMON, "splits": None, "test_fraction": 0.5}
WIDE = pd.DataFrame("0,5", index=range(4), columns=[f"f{n}" for n in range(13)]).assign(label=list("xyxy"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a,b,kind\n1,2,x\n", "labels: label\n    the file has a, b, kind"),
        ("a;b;label\n1,5;2;x\n", "the columns are divided by ';', and those of a .csv by ','"),
        ("a,b,a,label\n1,2,3,x\n", "a\n    several columns have this name"),
        (",a,label\n0,1,x\n", "a column has no name, such as the index that pandas writes"),
        ("Unnamed: 0,a,label\n0,1,x\n", "a column has no name"),
        ("a,label\n", "the table has no rows"),
        ("label\nx\ny\n", "the table has no columns of numbers"),
        ("a,label\n1e39,x\n1,y\n", r"1 cell \(row-00000: 1e39\)"),
        ("a,label\n1,x\n2,y\n3, x\n4,y\n", "' x' and 'x'\n    these names look the same"),
        (WIDE.to_csv(index=False), "3 more columns: f10, f11, f12\n    have such cells, too"),
    ],
)
def test_tables_that_would_be_misread_are_refused(tmp_path, content, said):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(UserError, match=said):
        load(DRAWN | {"path": str(tmp_path / "x.csv")})


@pytest.mark.parametrize(("given", "names"), [([10, 9, 9, 10], ("9", "10")), (["007", "7"] * 2, ("007", "7"))])
def test_whole_numbers_are_in_their_order(tmp_path, given, names):
    pd.DataFrame({"a": range(4), "label": given}).to_csv(tmp_path / "x.csv", index=False)
    assert load(DRAWN | {"path": str(tmp_path / "x.csv")})["train"].class_names == names


def test_typed_columns(tmp_path):
    """Floats that are whole numbers are named by their digits, NaN is no label, bytes are UTF-8, lists are refused."""
    frame = pd.DataFrame(
        {"a": range(4), "label": [1.0, 2.0] * 2, "word": [b"x", "\u00e9".encode()] * 2, "v": [[1]] * 4}
    )
    frame.to_parquet(tmp_path / "x.parquet")
    spec = DRAWN | {"path": str(tmp_path / "x.parquet"), "features": ["a"]}
    with pytest.raises(UserError, match=r"the column v has the value \[1\]"):
        load(spec)
    frame.drop(columns="v").to_parquet(tmp_path / "x.parquet")
    assert load(spec)["train"].class_names == ("1", "2")
    assert load(spec | {"labels": "word"})["train"].class_names == ("x", "\u00e9")
    rows = [{"a": n, "label": label} for n, label in enumerate([1.0, float("nan"), 1.0, 2.0])]
    (tmp_path / "x.json").write_text(json.dumps(rows))
    with pytest.raises(UserError, match="row-00001\n    the column label is empty there"):
        load(spec | {"path": str(tmp_path / "x.json")})


def test_small_differences_between_large_numbers_are_kept(tmp_path):
    pd.DataFrame({"a": [2**40 + n for n in range(4)], "label": list("xxyy")}).to_csv(tmp_path / "x.csv", index=False)
    splits = load(DRAWN | {"path": str(tmp_path / "x.csv"), "scaling": "unit"})
    assert np.ptp(splits["train"].read(np.arange(2))) == 1


def test_classes_are_missed_in_the_split_that_lacks_them(tmp_path):
    frame = pd.DataFrame({"a": range(8), "label": list("xyxyxyxx"), "split": ["train"] * 4 + ["test"] * 4})
    frame.to_csv(tmp_path / "x.csv", index=False)
    files = {name: tmp_path / f"{name}.zarr.zip" for name in ("train", "test")}
    with pytest.raises(UserError, match=r"x\.csv, test split: class y\n    a class has one sample"):
        prepare_dataset(spec={**TABLE, **COMMON, "path": str(tmp_path / "x.csv")}, **files)


TABLES = [("iris", 150, 4), ("wine", 178, 13), ("breast_cancer", 569, 30)]


@pytest.mark.parametrize(("source", "count", "features"), TABLES)
def test_tables_of_scikit_learn(source, count, features):
    from workflow_lib.config.datasets_table import SKLEARN

    splits = load({"source": source, "test_fraction": 0.3, "split_seed": 0, "scaling": "unit"})
    assert sum(map(len, splits.values())) == count
    assert splits["train"].image_shape == (1, 1, features)
    assert splits["train"].class_names == SKLEARN[source]
    rows = splits["train"].read(np.arange(len(splits["train"])))
    assert (rows.min(axis=0) == 0).all()
    assert (rows.max(axis=0) == 1).all()
