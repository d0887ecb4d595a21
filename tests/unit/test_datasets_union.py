"""Unions of datasets: labels, ids and pixels of the parts, and what is refused."""

import numpy as np
import pytest

from workflow_lib.datasets.artifact import open_split
from workflow_lib.datasets.image_arrays import array_split
from workflow_lib.datasets.split import strings
from workflow_lib.datasets.union import union
from workflow_lib.datasets.writing import write
from workflow_lib.errors import UserError
from workflow_lib.steps.unite_datasets import unite_datasets

SPEC = {"source": "union", "of": ["first", "second"], "classes": None, "superclasses": None, "subsample": None}


@pytest.fixture
def stored(tmp_path):
    """Writes a split of four grey images whose pixels all have the value `level`; returns its path."""

    def make(name, level, classes=("a", "b"), side=2):
        images = np.full((4, side, 2, 1), level)
        ids = strings(["w", "x", "y", "z"])
        split = array_split(
            images, np.array([0, 0, 1, 1]), ids, classes, layout="NHWC", source="toy", origin=f"{name}.npz"
        )
        write(split, tmp_path / f"{name}.zarr.zip")
        return tmp_path / f"{name}.zarr.zip"

    return make


def united(**paths):
    return union({name: open_split(path) for name, path in paths.items()})


def test_samples_follow_each_other_with_labels_by_name_and_ids_of_their_own(stored):
    whole = united(first=stored("first", np.uint8(10)), second=stored("second", np.uint8(20), classes=("b", "a")))
    assert whole.class_names == ("a", "b")
    assert whole.labels.tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    assert whole.ids.tolist() == [f"{part}/{name}" for part in ("first", "second") for name in "wxyz"]
    assert whole.dtype == np.uint8
    assert whole.read(np.array([1, 3, 4, 7]))[:, 0, 0, 0].tolist() == [10, 10, 20, 20]
    assert whole.read(np.array([7, 1, 4]))[:, 0, 0, 0].tolist() == [20, 10, 20]
    assert whole.read(np.array([6])).shape == (1, 1, 2, 2)
    assert whole.read(np.arange(0)).shape == (0, 1, 2, 2)


def test_whole_numbers_beside_floats_become_what_a_network_sees(stored):
    whole = united(first=stored("first", np.uint8(51)), second=stored("second", np.float32(0.5)))
    values = whole.read(np.arange(8))
    assert (whole.dtype, values.dtype) == (np.float32, np.float32)
    assert values[:, 0, 0, 0].tolist() == [np.float32(51) / np.float32(255)] * 4 + [0.5] * 4


def test_other_classes_and_another_shape_are_refused_together(stored):
    first, second = stored("first", np.uint8(1)), stored("second", np.uint8(1), classes=("a", "c"), side=3)
    with pytest.raises(UserError) as caught:
        united(first=first, second=second)
    classes, shape = caught.value.problems
    assert classes.value == shape.value == "second"
    assert "has the classes a, c, but the first part has a, b" in str(classes)
    assert "has images of 3 x 2 pixels and 1 channel, the first part of 2 x 2 pixels and 1 channel" in str(shape)


def test_the_step_makes_both_splits_and_takes_the_keys_of_other_sources(stored, tmp_path):
    parts = [stored("first", np.uint8(10)), stored("second", np.uint8(20))]
    files = {"train": tmp_path / "train.zarr.zip", "test": tmp_path / "test.zarr.zip"}
    chosen = {"classes": ["b", "a"], "subsample": {"train": 2, "test": None, "seed": 0}}
    unite_datasets(spec=SPEC | chosen, train_parts=parts, test_parts=parts[::-1], **files)
    train, test = (open_split(path) for path in files.values())
    assert train.class_names == ("b", "a")
    assert np.bincount(train.labels).tolist() == [2, 2]
    assert len(test) == 8
    assert test.ids.tolist()[0] == "first/w"
    assert test.all_images()[:, 0, 0, 0].tolist() == [20] * 4 + [10] * 4
