"""Stores of k* and the samples that they leave out."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from workflow_lib.errors import UserError
from workflow_lib.figures.reading import kstar_values
from workflow_lib.io import storage
from workflow_lib.kstar import kstar
from workflow_lib.kstar.tables import class_table
from workflow_lib.points import DIMENSIONS
from workflow_lib.steps.compute_kstar import compute_kstar
from workflow_lib.steps.count_neighbours import count_neighbours
from workflow_lib.steps.roles import Context

LABELS = np.array([0, 0, 0, 1, 1, 1])
FEATURES = np.array([[1, 0], [0, 0], [4, 1], [0, 1], [1, 4], [0, 0]], dtype=np.float32)
LEAVE_OUT = {"metric": "cosine", "on_zero": "leave_out"}


def stored(folder, features=FEATURES, **spec):
    """The k* store of these features."""
    coords = {"sample": list("abcdef"), "label": ("sample", LABELS), "class": ["low", "high"]}
    coords["prediction"] = ("sample", np.array([0, 0, -1, 1, 1, 1]))
    storage.save(xr.Dataset({"features": (("sample", "feature"), features)}, coords), folder / "features.zarr.zip")
    context = Context(device="cpu", threads=1, scratch=folder)
    compute_kstar(spec=spec, features=folder / "features.zarr.zip", kstar=folder / "kstar.zarr.zip", context=context)
    return folder / "kstar.zarr.zip"


def test_a_data_frame_has_a_row_per_sample(tmp_path):
    path = stored(tmp_path, metric="euclidean")
    with xr.open_dataset(path) as store:
        frame = store.to_dataframe()
        assert frame.index.tolist() == list("abcdef")
        assert [store.class_names[label] for label in frame["label"]] == ["low"] * 3 + ["high"] * 3
        assert store.attrs["left_out"] == [0, 0]
    assert kstar_values(path)["class_name"].tolist() == ["low"] * 3 + ["high"] * 3
    np.testing.assert_array_equal(frame["kstar"], kstar(FEATURES, LABELS))


def test_vectors_of_zeros_are_an_error_or_left_out_and_counted(tmp_path, capsys):
    for spec in ({"metric": "cosine"}, {"metric": "cosine", "on_zero": "error"}):
        with pytest.raises(UserError, match="sample 1 is zero"):
            stored(tmp_path, **spec)
    store = storage.load(stored(tmp_path, **LEAVE_OUT))
    kept = [0, 2, 3, 4]
    assert store["sample"].values.tolist() == list("acde")
    np.testing.assert_array_equal(store["kstar"], kstar(FEATURES[kept], LABELS[kept], "cosine"))
    assert store["nearest_foreign"].values.tolist() == [3, 3, 1, 1]  # rows of this store
    assert "2 vectors of zeros are left out" in capsys.readouterr().err
    point = dict.fromkeys(DIMENSIONS, 0)
    table = class_table([point], [store])
    assert (table["n"].tolist(), table["left_out"].tolist()) == ([2, 2], [1, 1])
    assert table["accuracy"].tolist() == [0.5, 1]


def test_only_cosine_leaves_samples_out(tmp_path):
    assert len(storage.load(stored(tmp_path, metric="euclidean"))["sample"]) == 6


def test_a_class_of_zeros_is_named(tmp_path):
    features = np.where(LABELS[:, None] == 1, 0, FEATURES)
    with pytest.raises(UserError, match=r"kstar.on_zero: class high\n"):
        stored(tmp_path, features, **LEAVE_OUT)


def test_neighbours_leave_the_same_samples_out(tmp_path):
    stored(tmp_path, **LEAVE_OUT)
    paths = {"features": tmp_path / "features.zarr.zip", "neighbours": tmp_path / "neighbours.csv"}
    count_neighbours(spec={**LEAVE_OUT, "k": 1}, **paths)
    assert pd.read_csv(paths["neighbours"])["share"].tolist() == [1, 0, 0, 1]
    with pytest.raises(UserError, match="sample 1 is zero"):
        count_neighbours(spec={"metric": "cosine", "k": 1}, **paths)
