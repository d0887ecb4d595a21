"""The size of data that are not there yet, by the config."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from workflow_lib.config.datasets import Dataset
from workflow_lib.datasets.sources import load
from workflow_lib.plan.expected import expected, noise

DIGITS = {"source": "digits"}
ANIMALS = {"animal": ["cat", "dog", "frog"], "vehicle": ["ship", "truck"]}
CIFAR = {"source": "cifar10", "root": "data"}


def size(split="test", **datasets):
    """Size of the first dataset."""
    return expected(next(iter(datasets)), split, {name: parsed(raw) for name, raw in datasets.items()})


def parsed(raw):
    return TypeAdapter(Dataset).validate_python(raw)


@pytest.mark.parametrize(
    ("raw", "counts", "shape"),
    [
        (CIFAR | {"classes": ["dog", "cat"]}, {"dog": 1000, "cat": 1000}, (3, 32, 32)),
        (CIFAR | {"superclasses": ANIMALS}, {"animal": 3000, "vehicle": 2000}, (3, 32, 32)),
        (
            CIFAR | {"superclasses": ANIMALS, "subsample": {"test": 2500}},
            {"animal": 2500, "vehicle": 2000},
            (3, 32, 32),
        ),
        (
            {"source": "fashion_mnist", "root": "x", "classes": ["Bag", "Coat"]},
            {"Bag": 1000, "Coat": 1000},
            (1, 28, 28),
        ),
        ({"source": "glyphs", "characters": "AB", "test": 7, "side": 20}, {"A": 7, "B": 7}, (1, 20, 20)),
        (DIGITS | {"classes": ["3", "5"], "subsample": {"train": 9}}, {"3": 55, "5": 55}, (1, 8, 8)),
        ({"source": "iris"}, {"setosa": 15, "versicolor": 15, "virginica": 15}, (1, 1, 4)),
        ({"source": "arrays", "train": "absent.npz", "test": "absent.npz"}, None, None),
        ({"source": "function", "function": "my:images"}, None, None),
    ],
)
def test_by_hand(raw, counts, shape):
    found = size(data=raw)
    assert found == ((counts, shape) if counts else None)
    assert counts is None or [*found.counts] == [*counts]


def test_datasets_made_of_others():
    parts = {"natural": CIFAR, "few": CIFAR | {"subsample": {"test": 10}}}
    union = {"source": "union", "of": ["natural", "few"], "classes": ["ship", "cat"]}
    assert size(both=union, **parts).counts == {"ship": 1010, "cat": 1010}
    assert size(noisy={"source": "transformed", "of": "few", "transform": "noise"}, **parts).counts["cat"] == 10
    assert size(both=union, natural=CIFAR, few={"source": "function", "function": "my:images"}) is None


def test_files_are_counted_and_no_image_is_read(tmp_path):
    for place in ("train/cat/1.png", "train/cat/2.png", "train/dog/1.png", "test/cat/1.png", "test/dog/1.png"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"no image")
    folder = {"source": "imagefolder", "root": str(tmp_path), "image_size": [20, 30], "on_damaged": "leave_out"}
    assert size("train", data=folder) == ({"cat": 2, "dog": 1}, (3, 20, 30))
    assert size("train", data=folder | {"classes": ["dog", "cat"]}).counts == {"dog": 1, "cat": 2}
    (tmp_path / "test/dog/1.png").rename(tmp_path / "test/dog/1.heic")  # a mistake that is reported in the run
    assert size("train", data=folder) is None


@pytest.mark.parametrize("raw", [DIGITS, {"source": "glyphs", "characters": "AB", "train": 30, "test": 20, "side": 8}])
@pytest.mark.parametrize("split", ["train", "test"])
def test_data_that_are_there_are_as_expected(raw, split):
    found, there = size(split, data=raw), load(parsed(raw).model_dump())[split]
    assert [*found.counts.values()] == np.bincount(there.labels).tolist()
    assert (tuple(found.counts), found.shape) == (there.class_names, there.image_shape)


def test_noise_has_the_size_and_no_memory():
    split = noise(size("train", data=CIFAR))
    assert len(split) == 50_000
    assert np.bincount(split.labels).tolist() == [5000] * 10
    assert split.images(49_990, 50_010).shape == (10, 3, 32, 32)
    assert split.class_names[0] == "airplane"
