"""The store of C and R: equal to the tensors, whatever the blocks, and the same bytes."""

import numpy as np
import pytest
import xarray as xr

from workflow_lib.dissimilarity import store, stored, tensors
from workflow_lib.dissimilarity.store import write
from workflow_lib.errors import UserError
from workflow_lib.io import storage

N = 60
NAMES = [f"klass-é-{i}" for i in range(N)]


@pytest.fixture(scope="module")
def features():
    return np.random.default_rng(0).random((N, N, 9), dtype=np.float32)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of two classes, as a thousand classes would have one."""
    monkeypatch.setattr(store, "CHUNK_BYTES", 2 * 8 * N * N)


def test_what_is_written_is_read_back_equal(features, tmp_path):
    converged = np.arange(N * N).reshape(N, N) % 7 > 0
    write(tmp_path / "d.zarr.zip", features, NAMES, layer="pool", converged=converged)
    with xr.open_dataset(tmp_path / "d.zarr.zip", engine="zarr_zip") as read:
        C, R = tensors(features)
        assert read["C"].dims == read["R"].dims == ("target", "origin", "other")
        np.testing.assert_array_equal(read["C"].values, C)
        np.testing.assert_array_equal(read["R"].values, R)
        np.testing.assert_array_equal(read["converged"].values, converged)
        assert read["converged"].dtype == bool
        assert [read[dim].values.tolist() for dim in store.DIMS] == [NAMES] * 3
        assert read.attrs["layer"] == "pool"
        assert "docs/science.md 2.4" in read.attrs["definition"]
        assert "same origin" in read["C"].attrs["definition"]
        assert "same target" in read["R"].attrs["definition"]
        assert all("= 0" in read[tensor].attrs["self"] for tensor in "CR")


def test_entries_are_found_by_the_names_of_their_classes(features, tmp_path):
    write(tmp_path / "d.zarr.zip", features, NAMES, layer="pool")
    read = storage.load(tmp_path / "d.zarr.zip")
    assert "converged" not in read
    u = features.astype(float) / np.linalg.norm(features.astype(float), axis=-1, keepdims=True)
    where = {"target": NAMES[3], "origin": NAMES[5], "other": NAMES[8]}
    assert float(read["C"].sel(where)) == pytest.approx(1 - u[3, 5] @ u[8, 5], abs=1e-12)
    assert float(read["R"].sel(where)) == pytest.approx(1 - u[3, 5] @ u[3, 8], abs=1e-12)


def test_bytes_do_not_depend_on_the_blocks(features, tmp_path, small_chunks):
    for block in (1, 5, 14, None):
        write(tmp_path / f"{block}.zarr.zip", features, NAMES, layer="pool", block=block)
    assert len({(tmp_path / f"{block}.zarr.zip").read_bytes() for block in (1, 5, 14, None)}) == 1
    np.testing.assert_array_equal(storage.load(tmp_path / "5.zarr.zip")["C"].values, tensors(features)[0])
    write(tmp_path / "other.zarr.zip", features + np.eye(9, dtype="f4")[0], NAMES, layer="pool")
    assert (tmp_path / "other.zarr.zip").read_bytes() != (tmp_path / "1.zarr.zip").read_bytes()


def test_chunks_follow_what_is_held(features, tmp_path, small_chunks):
    write(tmp_path / "d.zarr.zip", features, NAMES, layer="pool", block=5)
    read = storage.load(tmp_path / "d.zarr.zip")
    assert read["C"].encoding["chunks"] == (N, 2, N)
    assert read["R"].encoding["chunks"] == (2, N, N)


def test_no_block_cuts_a_chunk_and_progress_counts_classes(features, tmp_path, small_chunks):
    seen = []
    write(
        tmp_path / "d.zarr.zip",
        features,
        NAMES,
        layer="pool",
        block=15,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(done, 120) for done in (16, 32, 48, 60, 76, 92, 108, 120)]


@pytest.mark.parametrize("block", [1, 13, None])
def test_stored_blocks_are_those_that_were_written(features, tmp_path, block):
    write(tmp_path / "d.zarr.zip", features, NAMES, layer="pool")
    C, R = tensors(features)
    found = list(stored(storage.load(tmp_path / "d.zarr.zip"), block))
    held = {t: np.concatenate([b.values for b in found if b.tensor == t]) for t in "CR"}
    np.testing.assert_array_equal(held["C"].swapaxes(0, 1), C)
    np.testing.assert_array_equal(held["R"], R)


def test_an_error_leaves_no_file(features, tmp_path):
    wrong = features.copy()
    wrong[4, 2] = 0
    with pytest.raises(UserError, match="target klass-é-4, origin klass-é-2"):
        write(tmp_path / "d.zarr.zip", wrong, NAMES, layer="pool")
    with pytest.raises(UserError, match=r"\(3, 3\)"):
        write(tmp_path / "d.zarr.zip", features, NAMES, layer="pool", converged=np.ones((3, 3)))
    with pytest.raises(UserError, match="3 names, 60 classes"):
        write(tmp_path / "d.zarr.zip", features, NAMES[:3], layer="pool")
    assert list(tmp_path.iterdir()) == []
