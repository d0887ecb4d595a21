"""The array of all points of a study: equal to each store, NaN where there is nothing."""

import zipfile

import numpy as np
import pytest
import xarray as xr

from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.points import DIMENSIONS, points
from workflow_lib.steps.collect_kstar import collect_kstar

POINT = {"model": ["a"], "seed": [0], "interval": [100], "split": ["test"], "transform": ["original"]}
HELD = {dimension: ["x"] for dimension in DIMENSIONS} | POINT


def grid(**values):
    """A grid of one value in every dimension but these."""
    return {dimension: values.get(dimension, HELD[dimension]) for dimension in DIMENSIONS}


def write(path, ids, labels, values, names=("low", "high")):
    """A k* store whose three variables are made from `values`."""
    kappa = np.array(values)
    data = {"kappa": kappa, "kstar": kappa / 7, "piece": kappa % 3}
    coords = {"sample": list(ids), "label": ("sample", np.array(labels))}
    attrs = {"class_names": list(names), "left_out": [0] * len(names)}
    storage.save(xr.Dataset({name: ("sample", v) for name, v in data.items()}, coords, attrs), path)
    return path


def collected(folder, grids, stores):
    collect_kstar(spec={"grids": grids}, kstar=stores, array=folder / "kstar.zarr.zip")
    return xr.open_dataset(folder / "kstar.zarr.zip")


def test_every_point_of_an_uneven_study_is_equal_to_its_store(tmp_path):
    """Model a has seeds 0 and 1 and layers one and two, model b has seed 2 and layer three."""
    grids = [grid(seed=[1, 0], layer=["two", "one"]), grid(model=["b"], seed=[2], layer=["three"])]
    stores = [write(tmp_path / f"{i}.zarr.zip", "rst", [0, 1, 1], [i + 1, 20, 30]) for i in range(5)]
    array = collected(tmp_path, grids, stores)
    assert array["kstar"].dims == (*DIMENSIONS, "sample")
    assert (array.sizes["model"], array.sizes["seed"], array.sizes["layer"]) == (2, 3, 3)
    assert array["seed"].values.tolist() == [0, 1, 2]
    assert array["layer"].values.tolist() == ["two", "one", "three"]
    for point, path in zip(points(grids), stores, strict=True):
        here, store = array.sel(point), storage.load(path)
        for name in ("kstar", "kappa", "piece"):
            np.testing.assert_array_equal(here[name], store[name])
    assert int(array["kstar"].notnull().sum()) == 5 * 3
    assert np.isnan(array["kappa"].sel(model="b", seed=0)).all()
    assert np.isnan(array["kappa"].sel(model="a", layer="three")).all()
    assert array["class_name"].values.tolist() == ["low", "high", "high"]


def test_samples_of_several_splits_are_joined_by_their_ids(tmp_path):
    """The splits share s1; one of them gives it another label, and calls both classes otherwise."""
    stores = [
        write(tmp_path / "train.zarr.zip", ["s0", "s1"], [0, 1], [1, 2]),
        write(tmp_path / "test.zarr.zip", ["s2", "s1"], [1, 0], [3, 4], names=("high", "low")),
    ]
    array = collected(tmp_path, [grid(split=["train", "test"])], stores)
    assert array["sample"].values.tolist() == ["s0", "s1", "s2"]
    assert array["label"].values.tolist() == [0, -1, 1]
    assert array["class_name"].values.tolist() == ["low", "high", "low"]
    kappa = array["kappa"].squeeze()
    np.testing.assert_array_equal(kappa.sel(split="train"), [1, 2, np.nan])
    np.testing.assert_array_equal(kappa.sel(split="test"), [np.nan, 4, 3])
    assert kappa.sel(split="test", sample="s2").item() == 3


def test_a_sample_that_one_metric_leaves_out_is_missing_there(tmp_path):
    stores = [
        write(tmp_path / "e.zarr.zip", ["s0", "s1", "s2"], [0, 1, 1], [1, 2, 3]),
        write(tmp_path / "c.zarr.zip", ["s0", "s2"], [0, 1], [4, 5]),
    ]
    kappa = collected(tmp_path, [grid(metric=["euclidean", "cosine"])], stores)["kappa"].squeeze()
    np.testing.assert_array_equal(kappa, [[1, 2, 3], [4, np.nan, 5]])


def test_the_file_grows_with_the_points_and_not_with_the_grid_and_is_the_same_twice(tmp_path):
    models = [f"m{i}" for i in range(6)]
    grids = [grid(model=[model], layer=[f"{model}-{i}" for i in range(3)]) for model in models]
    stores = [write(tmp_path / f"{i}.zarr.zip", "rs", [0, 1], [i, i]) for i in range(18)]
    array = collected(tmp_path, grids, stores)
    assert array["kstar"].size == 6 * 18 * 2
    first = (tmp_path / "kstar.zarr.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "kstar.zarr.zip") as archive:
        chunks = [name for name in archive.namelist() if name.startswith("kappa/c/")]
    assert len(chunks) == 18
    collected(tmp_path, grids, stores)
    assert (tmp_path / "kstar.zarr.zip").read_bytes() == first


def test_stores_that_do_not_fit_the_points_leave_no_file(tmp_path):
    stores = [write(tmp_path / "0.zarr.zip", "r", [0], [1])]
    with pytest.raises(ValueError, match="shorter|longer"):
        collected(tmp_path, [grid(layer=["one", "two"])], stores)
    with pytest.raises(UserError, match="does not exist"):
        collected(tmp_path, [grid()], [tmp_path / "none.zarr.zip"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.zarr.zip"]
