"""Features that the user brings along."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import zarr

from workflow_lib.datasets.imported import read_imported, write_imported
from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.steps.import_features import import_features

GENERATOR = np.random.default_rng(0)
FEATURES = GENERATOR.normal(size=(9, 4)).astype(np.float32)
LABELS = np.array(["song", "talk", "noise"] * 3)
IDS = np.array([f"clip{i}" for i in range(9)])
GUESSES = np.array(["song"] * 9)
ALL = {"features": FEATURES, "labels": LABELS, "ids": IDS, "predictions": GUESSES}


def spec_of(path, **changes):
    optional = {"predictions": None, "ids": None, "class_names": None}
    return {"source": "features", "path": str(path), "features": "features", "labels": "labels"} | optional | changes


def npz(folder, **arrays):
    np.savez(folder / "x.npz", **arrays)
    return spec_of(folder / "x.npz")


def save_as(path, kind):
    """Everything of ALL in one of the formats; features in Parquet as lists or as columns."""
    if kind == "npz":
        np.savez(path, **ALL)
    elif kind.startswith("zarr"):
        store = zarr.storage.ZipStore(path, mode="w") if kind == "zarr.zip" else path
        group = zarr.open_group(store, mode="w")
        for name, values in ALL.items():
            group.create_array(
                name, data=values.astype(np.dtypes.StringDType()) if values.dtype.kind == "U" else values
            )
        if kind == "zarr.zip":
            store.close()
    else:
        texts = {name: values for name, values in ALL.items() if name != "features"}
        columns = {f"features_{i}": FEATURES[:, i] for i in range(4)}
        frame = pd.DataFrame(texts | (columns if kind == "columns" else {"features": list(FEATURES)}))
        frame["labels"] = frame["labels"].astype("category")
        frame.to_parquet(path)


@pytest.mark.parametrize("kind", ["npz", "zarr", "zarr.zip", "lists", "columns"])
def test_every_format_says_the_same(tmp_path, kind):
    path = tmp_path / f"x.{kind if kind not in ('lists', 'columns') else 'parquet'}"
    save_as(path, kind)
    given = read_imported(spec_of(path, ids="ids", predictions="predictions"))
    np.testing.assert_array_equal(given.features, FEATURES)
    assert given.features.dtype == np.float32
    assert given.class_names == ("noise", "song", "talk")
    assert given.labels.tolist() == [1, 2, 0] * 3
    assert given.predictions.tolist() == [1] * 9
    assert given.ids.tolist() == IDS.tolist()


def test_the_artifact_has_the_form_of_extracted_features(tmp_path):
    spec = npz(tmp_path, **ALL) | {"predictions": "predictions"}
    import_features(spec=spec, features=tmp_path / "features.zarr.zip")
    dataset = storage.load(tmp_path / "features.zarr.zip")
    assert dataset["features"].dims == ("sample", "feature")
    np.testing.assert_array_equal(dataset["features"].values, FEATURES)
    assert set(dataset.coords) == {"sample", "label", "class", "prediction"}
    assert dataset["sample"].values[0] == "row-00000"
    assert dataset["label"].values.tolist() == [1, 2, 0] * 3
    assert dataset["prediction"].dtype == np.int64
    write_imported(read_imported(spec), tmp_path / "again.zarr.zip")
    assert (tmp_path / "again.zarr.zip").read_bytes() == (tmp_path / "features.zarr.zip").read_bytes()


def test_without_predictions_there_is_no_such_coordinate(tmp_path):
    import_features(spec=npz(tmp_path, features=FEATURES, labels=LABELS), features=tmp_path / "f.zarr.zip")
    assert "prediction" not in storage.load(tmp_path / "f.zarr.zip").coords


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("f2", "f4"), ("f4", "f4"), ("f8", "f8"), ("u1", "f4"), ("i2", "f4"), ("i4", "f8"), ("i8", "f8"), ("?", "f4")],
)
def test_numbers_are_kept_exactly(tmp_path, kind, kept):
    features = np.array([[0, 1], [1, 0], [1, 1], [0, 0]]).astype(kind)
    given = read_imported(npz(tmp_path, features=features, labels=np.array([0, 0, 1, 1])))
    assert given.features.dtype == np.dtype(kept)
    np.testing.assert_array_equal(given.features, features)


def test_class_names_of_numbered_labels(tmp_path):
    spec = npz(tmp_path, features=FEATURES, labels=np.array([0, 1, 2] * 3), names=np.array(["x", "b", "a"]))
    given = read_imported(spec | {"class_names": "names"})
    assert given.class_names == ("x", "b", "a")
    assert given.labels.tolist() == [0, 1, 2] * 3


def test_selection_carries_features_ids_and_predictions(tmp_path):
    spec = npz(tmp_path, **ALL | {"predictions": np.array(["song", "noise", "talk"] * 3)})
    given = read_imported(spec | {"classes": ["talk", "noise"], "ids": "ids", "predictions": "predictions"})
    rows = [1, 2, 4, 5, 7, 8]
    np.testing.assert_array_equal(given.features, FEATURES[rows])
    assert given.labels.tolist() == [0, 1] * 3
    assert given.predictions.tolist() == [1, 0] * 3
    assert given.ids.tolist() == IDS[rows].tolist()


def test_a_prediction_outside_the_selection_is_minus_one(tmp_path):
    spec = npz(tmp_path, **ALL)
    given = read_imported(spec | {"classes": ["talk", "noise"], "predictions": "predictions"})
    assert given.predictions.tolist() == [-1] * 6


def test_subsample_of_imported_features(tmp_path):
    spec = npz(tmp_path, features=FEATURES, labels=LABELS)
    given = read_imported(spec | {"subsample": {"imported": 2, "seed": 0}})
    assert np.bincount(given.labels).tolist() == [2, 2, 2]
    with pytest.raises(UserError, match="subsample"):
        read_imported(spec | {"subsample": {"train": 2, "test": None, "seed": 0}})


def test_a_prediction_of_no_class_stays_minus_one_through_the_selection(tmp_path):
    spec = npz(tmp_path, **ALL | {"predictions": np.array(["bird", "noise", "talk"] * 3)})
    given = read_imported(spec | {"classes": ["song", "talk"], "predictions": "predictions"})
    assert given.predictions.tolist() == [-1, -1] * 3


def test_bytes_are_decoded_everywhere(tmp_path):
    names = np.array([b"noise", b"song", "\u8072".encode()])
    arrays = {"labels": names[[0, 1, 2] * 3], "predictions": names[[0] * 9], "ids": IDS.astype("S"), "names": names}
    spec = npz(tmp_path, features=FEATURES, **arrays)
    given = read_imported(spec | {"class_names": "names", "ids": "ids", "predictions": "predictions"})
    assert given.class_names == ("noise", "song", "\u8072")
    assert (given.labels.tolist(), given.predictions.tolist()) == ([0, 1, 2] * 3, [0] * 9)
    assert given.ids.tolist() == IDS.tolist()


def test_a_class_is_chosen_in_either_unicode_form(tmp_path):
    labels = np.array(["cafe\u0301", "x", "y"] * 3)
    given = read_imported(npz(tmp_path, features=FEATURES, labels=labels) | {"classes": ["caf\u00e9", "x"]})
    assert given.class_names == ("caf\u00e9", "x")


def test_objects_can_be_saved_as_the_message_says(tmp_path):
    rows = np.empty(9, dtype=object)
    rows[:] = list(FEATURES)
    for name, objects in (
        ("features", rows),
        ("labels", LABELS.astype(object)),
        ("labels", np.array([1, 2, 3] * 3, object)),
    ):
        with pytest.raises(UserError, match=rf"numpy\.stack\({name}\)"):
            read_imported(npz(tmp_path, **ALL | {name: objects}))
        read_imported(npz(tmp_path, **ALL | {name: np.stack(objects)}))


PACKED = {"dtype": "int16", "scale_factor": 0.001, "add_offset": 5.0, "_FillValue": -32768}


@pytest.mark.parametrize("form", [2, 3])
def test_packed_numbers_are_what_xarray_reads(tmp_path, form):
    path = tmp_path / "x.zarr"
    data = {"features": (("sample", "feature"), FEATURES), "labels": ("sample", np.arange(9) % 3)}
    encoding = {"features": PACKED, "labels": {"dtype": "int8", "_FillValue": -1}}
    xr.Dataset(data).to_zarr(path, zarr_format=form, consolidated=False, encoding=encoding)
    given = read_imported(spec_of(path))
    np.testing.assert_array_equal(given.features, xr.open_zarr(path, consolidated=False)["features"].values)
    np.testing.assert_allclose(given.features, FEATURES, atol=5.1e-4)
    assert given.class_names == ("0", "1", "2")


@pytest.mark.parametrize("form", [2, 3])
def test_a_missing_value_is_not_taken_for_a_number(tmp_path, form):
    path = tmp_path / "x.zarr"
    data = {"features": (("sample", "feature"), spoilt(np.nan, 4)), "labels": ("sample", np.arange(9) % 3)}
    xr.Dataset(data).to_zarr(path, zarr_format=form, consolidated=False, encoding={"features": PACKED})
    with pytest.raises(UserError, match="sample row-00004 has nan as feature 2"):
        read_imported(spec_of(path))


def test_packed_numbers_that_xarray_does_not_read_are_refused(tmp_path):
    group = zarr.open_group(tmp_path / "x.zarr", mode="w")
    group.create_array("labels", data=np.arange(9) % 3)
    group.create_array("features", data=np.ones((9, 4), np.int16)).attrs.update(scale_factor=0.5, missing_value=1)
    with pytest.raises(UserError, match="features has the attributes scale_factor, missing_value"):
        read_imported(spec_of(tmp_path / "x.zarr"))


def test_a_single_array_is_told_as_such(tmp_path):
    zarr.save_array(tmp_path / "x.zarr", FEATURES)
    with (tmp_path / "x.npz").open("wb") as file:
        np.save(file, FEATURES)
    for name in ("x.zarr", "x.npz"):
        with pytest.raises(UserError, match="a single array"):
            read_imported(spec_of(tmp_path / name))


def test_a_folder_zipped_with_its_own_name_is_read(tmp_path):
    save_as(tmp_path / "outer" / "x.zarr", "zarr")
    shutil.make_archive(str(tmp_path / "x.zarr"), "zip", tmp_path / "outer")
    np.testing.assert_array_equal(read_imported(spec_of(tmp_path / "x.zarr.zip")).features, FEATURES)
    save_as(tmp_path / "outer" / "y.zarr", "zarr")
    shutil.make_archive(str(tmp_path / "x.zarr"), "zip", tmp_path / "outer")
    with pytest.raises(UserError, match=r"x.zarr, y.zarr\n.*several groups"):
        read_imported(spec_of(tmp_path / "x.zarr.zip"))


def spoilt(value, *rows):
    features = FEATURES.copy()
    features[list(rows), 2] = value
    return features


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"features": spoilt(np.nan, 4), "labels": LABELS}, ["sample row-00004 has nan as feature 2"]),
        ({"features": spoilt(-np.inf, 4, 6), "labels": LABELS}, ["row-00004 has -inf", "(2 samples"]),
        ({"features": FEATURES[:8], "labels": LABELS}, ["8 features, 9 labels"]),
        ({"features": FEATURES[:, 0], "labels": LABELS}, ["shape (9,)"]),
        ({"features": FEATURES[:, :0], "labels": LABELS}, ["shape (9, 0)"]),
        ({"features": FEATURES * 1j, "labels": LABELS}, ["complex64"]),
        ({"features": FEATURES, "labels": np.array(["a"] * 8 + ["b"])}, ["class b", "one sample"]),
        ({"features": FEATURES, "labels": np.array(["a"] * 9)}, ["only class a"]),
        ({"features": FEATURES, "label": LABELS}, ["labels", "such as label"]),
        ({"feature": FEATURES, "label": LABELS}, ["2 problems"]),
        ({"features": FEATURES, "labels": LABELS.astype(object)}, ["Python objects"]),
    ],
)
def test_unsound_features_are_named(tmp_path, arrays, said):
    spec = npz(tmp_path, **arrays)
    with pytest.raises(UserError) as caught:
        read_imported(spec)
    for text in [spec["path"], *said]:
        assert text in str(caught.value)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ({"features": [[1.0, 2.0], [3.0]] * 2, "labels": list("aabb")}, ["row 1", "1 values", "longest has 2 values"]),
        ({"features": [[1.0], None] * 2, "labels": list("aabb")}, ["row 1", "no list"]),
        ({"features": [None, [1.0]] * 2, "labels": list("aabb")}, ["row 0", "no list"]),
        ({"features": [[1.0], [None]] * 2, "labels": list("aabb")}, ["row-00001 has nan"]),
        ({"features_a": [1.0] * 4, "features_b": list("wxyz"), "labels": list("aabb")}, ["column features_b"]),
        ({"features_a": [1.0, None, 3.0, 4.0], "labels": list("aabb")}, ["row-00001 has nan as feature 0"]),
        ({"features_a": [1.0] * 4, "labels": ["a", None, "b", "b"]}, ["row 1 has no label"]),
        ({"embedding": [1.0] * 4, "labels": list("aabb")}, ["features", "the file has embedding, labels"]),
        ({"features": [1.0] * 4, "tag": list("aabb")}, ["labels", "the file has features, tag"]),
    ],
)
def test_unsound_parquet_is_named(tmp_path, frame, said):
    path = tmp_path / "x.parquet"
    pd.DataFrame(frame).to_parquet(path)
    with pytest.raises(UserError) as caught:
        read_imported(spec_of(path))
    for text in [str(path), *said]:
        assert text in str(caught.value)


def test_prefixed_columns_leave_out_labels_of_the_same_prefix(tmp_path):
    path = tmp_path / "x.parquet"
    pd.DataFrame({"e0": [1, 2, 3, 4], "e_label": list("aabb"), "e1": [5, 6, 7, 8]}).to_parquet(path)
    given = read_imported(spec_of(path, features="e", labels="e_label"))
    assert given.features.tolist() == [[1, 5], [2, 6], [3, 7], [4, 8]]


@pytest.mark.parametrize("name", ["x.npz", "x.zarr.zip", "x.parquet"])
def test_damaged_and_missing_files_are_named(tmp_path, name):
    path = tmp_path / name
    with pytest.raises(UserError, match="does not exist"):
        read_imported(spec_of(path))
    path.write_bytes(b"PK\x03\x04 and nothing more")
    with pytest.raises(UserError, match="cannot be read") as caught:
        read_imported(spec_of(path))
    assert str(path) in str(caught.value)


def test_no_heavy_library_is_imported(tmp_path):
    spec = npz(tmp_path, features=FEATURES, labels=LABELS)
    code = (
        "import sys; from pathlib import Path; from workflow_lib.steps.import_features import import_features\n"
        f"import_features(spec={spec!r}, features=Path({str(tmp_path / 'f.zarr.zip')!r}))\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'torch', 'torchvision', 'sklearn', 'umap'}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
