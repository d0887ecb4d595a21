"""Stores and tables: whole or not there, equal data in equal bytes, read lazily."""

import struct
import zipfile

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.io.storage import SampleWriter, VariableSpec


@pytest.fixture
def dataset():
    features = np.random.default_rng(0).normal(size=(100, 6)).astype("float32")
    return xr.Dataset(
        {"features": (("sample", "feature"), features)},
        coords={"sample": [f"né-{i}" for i in range(100)], "label": ("sample", np.arange(100) % 3)},
        attrs={"title": "test"},
    )


def stream(path, dataset, rows):
    spec = VariableSpec(("sample", "feature"), dataset["features"].shape, "float32")
    coords = {name: ("sample", dataset[name].values) for name in ("sample", "label")}
    with SampleWriter(path, {"features": spec}, coords, dataset.attrs) as writer:
        for start in range(0, rows, 7):
            writer.append(features=dataset["features"].values[start : min(start + 7, rows)])


def test_a_saved_dataset_is_read_back_equal(dataset, tmp_path):
    storage.save(dataset, tmp_path / "a.zarr.zip")
    read = storage.load(tmp_path / "a.zarr.zip")
    xr.testing.assert_equal(read.drop_vars("sample"), dataset.drop_vars("sample"))
    assert read["sample"].values.tolist() == dataset["sample"].values.tolist()
    assert read.attrs == dataset.attrs


def test_equal_data_gives_equal_bytes_and_other_data_others(dataset, tmp_path):
    storage.save(dataset, tmp_path / "a.zarr.zip")
    storage.save(storage.load(tmp_path / "a.zarr.zip"), tmp_path / "b.zarr.zip")
    storage.save(dataset + 1, tmp_path / "c.zarr.zip")
    first, again, other = ((tmp_path / f"{name}.zarr.zip").read_bytes() for name in "abc")
    assert first == again
    assert first != other


def test_streaming_gives_what_was_appended_whatever_the_blocks(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr(storage, "CHUNK_BYTES", 240)
    stream(tmp_path / "a.zarr.zip", dataset, rows=100)
    read = storage.load(tmp_path / "a.zarr.zip")
    assert read["features"].encoding["chunks"] == (10, 6)
    np.testing.assert_array_equal(read["features"].values, dataset["features"].values)
    np.testing.assert_array_equal(read["label"].values, dataset["label"].values)


@pytest.mark.parametrize("rows", [0, 99])
def test_too_few_rows_are_an_error_and_leave_nothing(dataset, tmp_path, rows):
    with pytest.raises(RuntimeError, match=f"got {rows} rows, 100 were announced"):
        stream(tmp_path / "a.zarr.zip", dataset, rows)
    assert list(tmp_path.iterdir()) == []


def test_an_error_while_writing_keeps_the_former_file_and_leaves_no_litter(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("former")
    with pytest.raises(KeyboardInterrupt), storage.atomic(path) as scratch:
        scratch.write_text("half")
        raise KeyboardInterrupt
    assert path.read_text() == "former"
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_store_and_a_damaged_one_are_named(dataset, tmp_path):
    with pytest.raises(UserError, match=r"none\.zarr\.zip\n +the file does not exist"):
        storage.load(tmp_path / "none.zarr.zip")
    path = tmp_path / "cut.zarr.zip"
    storage.save(dataset, path)
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(UserError, match=r"cut\.zarr\.zip: .*\n +the file is damaged"):
        storage.load(path)


def test_xarray_opens_a_store_by_its_name(dataset, tmp_path):
    storage.save(dataset, tmp_path / "a.zarr.zip")
    with xr.open_dataset(tmp_path / "a.zarr.zip") as read:
        np.testing.assert_array_equal(read["features"].values, dataset["features"].values)


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_tables_are_read_back_equal(tmp_path, name):
    frame = pd.DataFrame({"class_name": ["a,b", "ß"], "kstar": [0.25, 1 / 3], "n": [1, 2]})
    storage.write_table(frame, tmp_path / name)
    pd.testing.assert_frame_equal(storage.read_table(tmp_path / name), frame, check_dtype=False)
    with pytest.raises(UserError, match="does not exist"):
        storage.read_table(tmp_path / f"no-{name}")


def test_headers_of_members_depend_neither_on_python_nor_on_the_system(dataset, tmp_path, monkeypatch):
    monkeypatch.setattr("zipfile.sys.platform", "win32")
    storage.save(dataset, tmp_path / "a.zarr.zip")
    data = (tmp_path / "a.zarr.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zarr.zip") as archive:
        members = archive.infolist()
        central = archive.start_dir
    for member in members:
        made_by, needed, flags, _, _, _, _, *sizes = struct.unpack_from("<xxxxHHHHHHIIIHH", data, central)
        assert (made_by, needed, flags, sizes[:1]) == (3 << 8 | 20, 20, 0, [member.file_size])
        extra, comment = struct.unpack_from("<HH", data, central + 30)
        assert (extra, comment) == (0, 0)
        local = struct.unpack_from("<xxxxHHHHHIIIHH", data, member.header_offset)
        assert (local[0], local[1], local[6], local[7], local[9]) == (20, 0, member.file_size, member.file_size, 0)
        central += 46 + len(member.filename.encode())
