"""Embeddings in the files of other libraries, and larger than memory."""

import importlib
import json
import sys

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from scipy.sparse import csr_array

from workflow_lib.datasets import imported
from workflow_lib.datasets.imported import read_imported, write_imported
from workflow_lib.errors import UserError
from workflow_lib.io import storage

FEATURES = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
SPARSE = np.where(FEATURES > 0, FEATURES, 0)
LABELS = np.array(["song", "talk", "noise"] * 3)
NUMBERS = np.array([1, 2, 0] * 3)
OPTIONAL = {"predictions": None, "ids": None, "class_names": None, "labels_path": None}


def spec_of(path, **changes):
    return {"source": "features", "path": str(path), "features": "features", "labels": "labels"} | OPTIONAL | changes


def npy(folder):
    np.save(folder / "x.npy", FEATURES)
    np.save(folder / "labels.npy", LABELS)
    return spec_of(folder / "x.npy", labels_path=str(folder / "labels.npy"))


def npy_and_table(folder):
    np.save(folder / "x.npy", FEATURES)
    pd.DataFrame({"topic": LABELS}).to_csv(folder / "labels.csv", index=False)
    return spec_of(folder / "x.npy", labels_path=str(folder / "labels.csv"), labels="topic")


def pt(folder):
    torch.save({"z": torch.from_numpy(FEATURES), "y": LABELS.tolist()}, folder / "x.pt")
    return spec_of(folder / "x.pt", features="z", labels="y")


def safetensors(folder):
    save = pytest.importorskip("safetensors.numpy", reason="needs the extra safetensors").save_file
    save({"z": FEATURES, "other": NUMBERS}, folder / "x.safetensors")
    np.save(folder / "labels.npy", LABELS)
    return spec_of(folder / "x.safetensors", features="z", labels_path=str(folder / "labels.npy"))


def h5ad(folder):
    """As AnnData writes it: a column is plain, or a group of codes and categories or of values and a mask."""
    h5py = pytest.importorskip("h5py", reason="needs the extra anndata")
    with h5py.File(folder / "x.h5ad", "w") as file:
        file["obsm/X_pca"] = FEATURES
        obs = file.create_group("obs")
        obs.attrs["_index"] = "cell"
        obs["cell"] = [f"cell{i}" for i in range(9)]
        obs["type/codes"] = np.array([1, 2, 0] * 3, np.int8)
        obs["type/categories"] = ["noise", "song", "talk"]
        obs["plain"] = LABELS.tolist()
        obs["counted/values"], obs["counted/mask"] = NUMBERS, np.zeros(9, bool)
        obs["gap/values"], obs["gap/mask"] = NUMBERS, np.arange(9) % 4 == 1
        file["obs/__categories/old"] = ["noise", "song", "talk"]
        obs["old"] = NUMBERS.astype(np.int8)
        obs["old"].attrs["categories"] = file["obs/__categories/old"].ref
        rows = csr_array(SPARSE)
        for name, kind in (("X", "csr_matrix"), ("obsm/columns", "csc_matrix")):
            group = file.create_group(name)
            group.attrs.update({"encoding-type": kind, "shape": rows.shape})
            group["data"], group["indices"], group["indptr"] = rows.data, rows.indices, rows.indptr
    return spec_of(folder / "x.h5ad", features="X_pca", labels="type")


def hugging_face(folder):
    names = {"info": {"features": {"label": {"names": ["noise", "song", "talk"], "_type": "ClassLabel"}}}}
    table = pa.table({"emb": list(FEATURES), "label": NUMBERS})
    table = table.replace_schema_metadata({"huggingface": json.dumps(names)})
    pq.write_table(table, folder / "x.parquet", row_group_size=4)
    return spec_of(folder / "x.parquet", features="emb", labels="label")


@pytest.mark.parametrize("make", [npy, npy_and_table, pt, safetensors, h5ad, hugging_face])
def test_every_format_says_the_same_in_blocks_of_any_size(tmp_path, monkeypatch, make):
    spec = make(tmp_path)
    for block in (32 * 2**20, 2 * 4 * 4):
        monkeypatch.setattr(imported, "BLOCK_BYTES", block)
        given = read_imported(spec)
        np.testing.assert_array_equal(given.features, FEATURES)
        assert given.dtype == np.float32
        assert [given.class_names[label] for label in given.labels] == LABELS.tolist()
        chosen = read_imported(spec | {"classes": ["talk", "noise"]})
        write_imported(chosen, tmp_path / "f.zarr.zip")
        np.testing.assert_array_equal(storage.load(tmp_path / "f.zarr.zip")["features"].values, FEATURES[NUMBERS != 1])


def test_blocks_are_no_larger_than_said(tmp_path, monkeypatch):
    monkeypatch.setattr(imported, "BLOCK_BYTES", 2 * 4 * 4)
    given = read_imported(npy(tmp_path))
    assert [len(block) for block in given.blocks()] == [2, 2, 2, 2, 1]
    assert not any(isinstance(block, np.memmap) for block in given.blocks())  # which would keep the file in memory


def test_ids_and_plain_columns_of_anndata(tmp_path):
    given = read_imported(h5ad(tmp_path) | {"labels": "plain", "ids": "cell"})
    assert given.ids.tolist()[:2] == ["cell0", "cell1"]
    assert given.class_names == ("noise", "song", "talk")


@pytest.mark.parametrize("name", ["plain", "type", "counted", "old"])
def test_columns_of_anndata(tmp_path, name):
    given = read_imported(h5ad(tmp_path) | {"labels": name})
    assert given.labels.tolist() == NUMBERS.tolist()
    assert given.class_names == (("0", "1", "2") if name == "counted" else ("noise", "song", "talk"))


def test_a_sparse_matrix_of_anndata_is_read_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(imported, "BLOCK_BYTES", 2 * 4 * 4)
    np.testing.assert_array_equal(read_imported(h5ad(tmp_path) | {"features": "X"}).features, SPARSE)


@pytest.mark.parametrize(
    ("make", "changes", "said"),
    [
        (npy, {"labels_path": None}, "holds one array, and no labels"),
        (npy, {"predictions": "guess"}, "which is taken for the labels"),
        (pt, {"features": "x"}, "the file has y, z"),
        (h5ad, {"features": "columns"}, "is stored as csc_matrix"),
        (h5ad, {"labels": "gap"}, "2 rows of gap: 1, 5"),
        (h5ad, {"labels": "kind"}, "the file has X, X_pca, cell, columns, counted, gap, old, plain, type"),
    ],
)
def test_what_is_missing_is_named(tmp_path, make, changes, said):
    with pytest.raises(UserError, match=said):
        read_imported(make(tmp_path) | changes)


@pytest.mark.parametrize("name", ["x.npy", "x.pt"])
def test_damaged_files_are_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(UserError, match="cannot be read"):
        read_imported(spec_of(tmp_path / name))


def test_code_in_a_file_of_torch_is_not_run(tmp_path):
    torch.save({"features": importlib.import_module("collections").Counter, "labels": print}, tmp_path / "x.pt")
    with pytest.raises(UserError, match="cannot be read"):
        read_imported(spec_of(tmp_path / "x.pt"))


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    (tmp_path / "x.h5ad").touch()
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(UserError, match=r"-e '\.\[anndata\]'"):
        read_imported(spec_of(tmp_path / "x.h5ad"))
