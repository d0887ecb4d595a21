"""The data-set artifact: written, read back, and refused when its content is unsound."""

from dataclasses import replace

import numpy as np
import pytest

from workflow_lib.datasets import writing
from workflow_lib.datasets.artifact import open_split, unit_range
from workflow_lib.datasets.image_arrays import array_split, image_shape
from workflow_lib.datasets.split import numbered
from workflow_lib.datasets.writing import write
from workflow_lib.errors import UserError
from workflow_lib.io import storage

GENERATOR = np.random.default_rng(0)
BYTES = GENERATOR.integers(0, 256, (12, 5, 4, 3), dtype=np.uint8)
LABELS = np.arange(12) % 3


def split_of(images, layout="NHWC", labels=LABELS):
    labels = np.asarray(labels, dtype=np.int64)
    ids = numbered("s", len(labels))
    return array_split(images, labels, ids, ("a", "b", "c"), layout=layout, source="toy", origin="toy.npz")


def test_what_is_written_is_read_back(tmp_path):
    write(split_of(BYTES), tmp_path / "train.zarr.zip")
    stored = open_split(tmp_path / "train.zarr.zip")
    assert len(stored) == 12
    assert stored.image_shape == (3, 5, 4)
    assert stored.class_names == ("a", "b", "c")
    assert stored.labels.tolist() == LABELS.tolist()
    assert stored.labels.dtype == np.int64
    assert stored.ids.tolist() == [f"s-{i:05d}" for i in range(12)]
    np.testing.assert_array_equal(stored.all_images(), BYTES.transpose(0, 3, 1, 2))
    np.testing.assert_array_equal(stored.images(3, 7), (BYTES[3:7].transpose(0, 3, 1, 2) / 255).astype(np.float32))


def test_the_file_has_the_documented_form(tmp_path):
    write(split_of(BYTES), tmp_path / "train.zarr.zip")
    dataset = storage.load(tmp_path / "train.zarr.zip")
    assert dataset["image"].dims == ("sample", "channel", "y", "x")
    assert dataset["label"].dims == dataset["sample"].dims == ("sample",)
    assert dataset["class"].dims == ("class",)
    assert dataset.attrs == {"title": "Images and labels of toy", "source": "toy"}


def test_floats_keep_their_values(tmp_path):
    images = GENERATOR.random((12, 5, 4))
    write(split_of(images), tmp_path / "x.zarr.zip")
    stored = open_split(tmp_path / "x.zarr.zip")
    assert stored.all_images().dtype == np.float32
    np.testing.assert_array_equal(stored.images(0, 12)[:, 0], images.astype(np.float32))


def test_all_layouts_say_the_same(tmp_path):
    first = GENERATOR.integers(0, 256, (12, 5, 4, 1), dtype=np.uint8)
    for name, split in {
        "nhwc": split_of(first),
        "nchw": split_of(first.transpose(0, 3, 1, 2), "NCHW"),
        "nhw": split_of(first[..., 0]),
    }.items():
        write(split, tmp_path / name)
    assert (tmp_path / "nhwc").read_bytes() == (tmp_path / "nchw").read_bytes() == (tmp_path / "nhw").read_bytes()


def test_blocks_do_not_change_the_bytes_and_bound_what_is_read(tmp_path, monkeypatch):
    asked = []
    split = split_of(BYTES)
    spying = replace(split, read=lambda rows: (asked.append(len(rows)), split.read(rows))[1])
    write(split, tmp_path / "whole")
    monkeypatch.setattr(writing, "BLOCK_BYTES", 5 * 60)
    seen = []
    write(spying, tmp_path / "blocks", progress=lambda done, total: seen.append((done, total)))
    assert asked == [5, 5, 2]
    assert seen == [(5, 12), (10, 12), (12, 12)]
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "blocks").read_bytes()


def test_taking_rows_of_taken_rows():
    split = split_of(BYTES).take(np.array([1, 3, 5, 7, 9])).take(np.array([0, 2, 4]))
    np.testing.assert_array_equal(split.read(np.array([1, 2])), BYTES[[5, 9]].transpose(0, 3, 1, 2))
    assert split.ids.tolist() == ["s-00001", "s-00005", "s-00009"]


def spoilt(value):
    images = np.full((12, 5, 4), 0.5)
    images[7, 2, 1] = value
    return images


@pytest.mark.parametrize(
    ("split", "said"),
    [
        (split_of(spoilt(np.nan)), ["sample s-00007 has the value nan", "not finite"]),
        (split_of(spoilt(np.inf)), ["sample s-00007 has the value inf", "not finite"]),
        (split_of(spoilt(1.5)), ["sample s-00007 has the value 1.5", "0 to 1", "divide"]),
        (split_of(spoilt(-0.1)), ["sample s-00007 has the value -0.1", "0 to 1"]),
        (split_of(BYTES, labels=[0] * 6 + [1] * 5 + [2]), ["class c", "one sample"]),
        (split_of(BYTES, labels=[0] * 6 + [2] * 6), ["class b", "no sample"]),
        (replace(split_of(BYTES), ids=np.array(["same"] * 12)), ["same", "several samples"]),
    ],
)
def test_unsound_content_is_named_and_nothing_is_left(tmp_path, split, said):
    with pytest.raises(UserError) as caught:
        write(split, tmp_path / "train.zarr.zip")
    for text in ["toy.npz", *said]:
        assert text in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_the_ends_of_the_range_are_allowed(tmp_path):
    for value in (0.0, 1.0):
        write(split_of(spoilt(value)), tmp_path / "train.zarr.zip")


@pytest.mark.parametrize(
    ("images", "layout", "said"),
    [
        (np.zeros((12, 3, 32, 32), np.uint8), "NHWC", ["32 channels", "layout: NCHW"]),
        (np.zeros((12, 32, 32, 3), np.uint8), "NCHW", ["32 channels", "layout: NHWC"]),
        (np.zeros((12, 32), np.uint8), "NHWC", ["shape (12, 32)"]),
        (np.zeros((12, 0, 4), np.uint8), "NHWC", ["no pixels"]),
        (np.zeros((12, 4, 4), np.int64), "NHWC", ["int64", "uint8"]),
        (np.zeros((11, 4, 4), np.uint8), "NHWC", ["11 images, 12 labels"]),
    ],
)
def test_arrays_of_another_form_are_refused(images, layout, said):
    with pytest.raises(UserError) as caught:
        split_of(images, layout)
    for text in ["toy.npz", *said]:
        assert text in str(caught.value)


def test_many_channels_are_allowed_when_the_axes_are_right():
    assert image_shape((7, 32, 32, 12), "NHWC", "toy") == (12, 32, 32)


def test_a_damaged_or_missing_artifact_is_named(tmp_path):
    path = tmp_path / "train.zarr.zip"
    with pytest.raises(UserError, match=r"train\.zarr\.zip"):
        open_split(path)
    write(split_of(BYTES), path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match=r"train\.zarr\.zip"):
        open_split(path)


def test_unit_range_is_exact_at_its_ends():
    assert unit_range(np.array([0, 255], np.uint8)).tolist() == [0.0, 1.0]
    assert unit_range(np.arange(256, dtype=np.uint8)).dtype == np.float32
