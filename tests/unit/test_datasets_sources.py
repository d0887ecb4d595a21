"""Sources of images: digits, array files, functions, torchvision's data sets."""

import gzip
import hashlib
import os
import pickle
import sys

import numpy as np
import pytest
import zarr

from workflow_lib.config.datasets_images import Torchvision
from workflow_lib.datasets.sources import load
from workflow_lib.errors import UserError

GENERATOR = np.random.default_rng(0)
IMAGES = GENERATOR.integers(0, 256, (8, 6, 5, 3), dtype=np.uint8)
NAMED = np.array(["dog", "cat"] * 4)
ARRAYS = {"source": "arrays", "layout": "NHWC", "images": "images", "labels": "labels"}


def pixels(split):
    return split.read(np.arange(len(split)))


def errors_of(spec):
    """Text of the UserError that loading and reading the data set raises."""
    with pytest.raises(UserError) as caught:
        [pixels(split) for split in load(spec).values()]
    return str(caught.value)


# digits


def test_digits_are_scikit_learns():
    from sklearn.datasets import load_digits

    digits = load_digits()
    splits = load({"source": "digits", "test_fraction": 0.3, "split_seed": 0})
    assert sum(len(split) for split in splits.values()) == 1797
    for split in splits.values():
        rows = [int(identity.removeprefix("digits-")) for identity in split.ids]
        np.testing.assert_array_equal(pixels(split)[:, 0] * 16, digits.images[rows])
        np.testing.assert_array_equal(split.labels, digits.target[rows])
        assert split.class_names[3] == "3"
    assert abs(len(splits["test"]) - 0.3 * 1797) < 5
    assert not set(splits["train"].ids) & set(splits["test"].ids)


def test_another_split_seed_gives_other_test_digits():
    first, second = (load({"source": "digits", "test_fraction": 0.3, "split_seed": seed}) for seed in (0, 1))
    assert set(first["test"].ids) != set(second["test"].ids)


# arrays


def arrays_spec(folder, suffix, **contents):
    """Spec of train and test files that both hold these arrays."""
    for name in ("train", "test"):
        path = folder / f"{name}{suffix}"
        if suffix == ".npz":
            np.savez(path, **contents)
            continue
        store = zarr.storage.ZipStore(path, mode="w") if suffix == ".zarr.zip" else path
        group = zarr.open_group(store, mode="w")
        for key, value in contents.items():
            text = value.dtype.kind == "U"
            group.create_array(key, data=value.astype(np.dtypes.StringDType()) if text else value)
        if suffix == ".zarr.zip":
            store.close()
    return ARRAYS | {name: str(folder / f"{name}{suffix}") for name in ("train", "test")}


@pytest.mark.parametrize("suffix", [".npz", ".zarr", ".zarr.zip"])
def test_array_files_of_every_kind(tmp_path, suffix):
    ids = np.array([f"pet{i}" for i in range(8)])
    splits = load(arrays_spec(tmp_path, suffix, images=IMAGES, labels=NAMED, ids=ids))
    for split in splits.values():
        np.testing.assert_array_equal(pixels(split), IMAGES.transpose(0, 3, 1, 2))
        assert split.class_names == ("cat", "dog")
        assert split.labels.tolist() == [1, 0] * 4
        assert split.ids.tolist() == ids.tolist()
        np.testing.assert_array_equal(split.read(np.array([2, 5])), IMAGES[[2, 5]].transpose(0, 3, 1, 2))


def test_packed_images_are_unpacked(tmp_path):
    for name in ("train", "test"):
        group = zarr.open_group(tmp_path / f"{name}.zarr", mode="w")
        group.create_array("labels", data=np.arange(8) % 2)
        names, attributes = ("sample", "y", "x", "channel"), {"scale_factor": 1 / 255}
        group.create_array("images", data=IMAGES, dimension_names=names, attributes=attributes)
    split = load(ARRAYS | {name: str(tmp_path / f"{name}.zarr") for name in ("train", "test")})["test"]
    assert split.dtype == np.float32
    np.testing.assert_allclose(split.read(np.array([2, 5])), IMAGES[[2, 5]].transpose(0, 3, 1, 2) / 255, rtol=1e-6)


def test_class_names_in_the_file_number_the_classes(tmp_path):
    numbers = np.array([0, 1] * 4)
    splits = load(arrays_spec(tmp_path, ".npz", images=IMAGES, labels=numbers, class_names=np.array(["z", "a"])))
    assert splits["test"].class_names == ("z", "a")
    assert splits["test"].labels.tolist() == numbers.tolist()
    assert splits["test"].ids[0] == "test-00000"


def test_other_names_and_layout(tmp_path):
    spec = arrays_spec(tmp_path, ".npz", x=IMAGES.transpose(0, 3, 1, 2), y=NAMED)
    splits = load(spec | {"images": "x", "labels": "y", "layout": "NCHW"})
    np.testing.assert_array_equal(pixels(splits["train"]), IMAGES.transpose(0, 3, 1, 2))


@pytest.mark.parametrize(
    ("contents", "said"),
    [
        ({"image": IMAGES, "labels": NAMED}, ["images", "the file has image, labels", "such as image"]),
        ({"images": IMAGES, "labels": NAMED.astype(object)}, ["labels", "Python objects", "numpy.stack(labels)"]),
        ({"images": IMAGES, "labels": NAMED[:7]}, ["8 images, 7 labels"]),
        ({"images": IMAGES, "labels": np.array([0, 1, 2, 3] * 2), "class_names": np.array(["a", "b"])}, ["label 2"]),
    ],
)
def test_wrong_array_files_are_named(tmp_path, contents, said):
    text = errors_of(arrays_spec(tmp_path, ".npz", **contents))
    for part in [str(tmp_path / "train.npz"), *said]:
        assert part in text


def test_missing_and_foreign_files(tmp_path):
    spec = arrays_spec(tmp_path, ".npz", images=IMAGES, labels=NAMED)
    assert "does not exist" in errors_of(spec | {"test": str(tmp_path / "none.npz")})
    (tmp_path / "x.csv").write_text("1,2")
    assert ".npz, .zarr, .zarr.zip" in errors_of(spec | {"test": str(tmp_path / "x.csv")})


@pytest.mark.parametrize("suffix", [".npz", ".zarr.zip"])
def test_a_truncated_file_is_named(tmp_path, suffix):
    spec = arrays_spec(tmp_path, suffix, images=IMAGES, labels=NAMED)
    path = tmp_path / f"test{suffix}"
    path.write_bytes(path.read_bytes()[:-60])
    text = errors_of(spec)
    assert str(path) in text
    assert "cannot be read" in text


def test_a_damaged_chunk_is_named_when_it_is_read(tmp_path):
    spec = arrays_spec(tmp_path, ".zarr", images=IMAGES, labels=NAMED)
    chunk = next(path for path in (tmp_path / "train.zarr" / "images" / "c").rglob("*") if path.is_file())
    chunk.write_bytes(b"no chunk")
    assert str(tmp_path / "train.zarr") in errors_of(spec)


def test_a_single_array_is_no_archive(tmp_path):
    spec = arrays_spec(tmp_path, ".npz", images=IMAGES, labels=NAMED)
    with (tmp_path / "test.npz").open("wb") as file:
        np.save(file, IMAGES)
    assert "single array" in errors_of(spec)


# function


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Writes my_data.py into the working directory; the module is forgotten before and afterwards."""
    monkeypatch.chdir(tmp_path)
    sys.modules.pop("my_data", None)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def write(body):
        (tmp_path / "my_data.py").write_text("import numpy as np\n\n\ndef load(count=4):\n" + body)
        return {"source": "function", "function": "my_data:load", "options": {}}

    yield write
    sys.modules.pop("my_data", None)


GOOD = """
    images = np.linspace(0, 1, count * 12).reshape(count, 1, 3, 4)
    part = (images, [0, 1] * (count // 2), ["even", "odd"])
    return {"train": part, "test": (*part, [f"t{i}" for i in range(count)])}
"""


def test_a_function_of_the_users_own(module):
    spec = module(GOOD)
    splits = load(spec | {"options": {"count": 6}})
    assert len(splits["train"]) == 6
    assert splits["train"].class_names == ("even", "odd")
    assert splits["train"].labels.tolist() == [0, 1] * 3
    assert splits["train"].image_shape == (1, 3, 4)
    assert splits["test"].ids.tolist() == [f"t{i}" for i in range(6)]
    np.testing.assert_array_equal(pixels(splits["test"]).ravel(), np.linspace(0, 1, 72).astype(np.float32))


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    return 1 / 0\n", ["ZeroDivisionError: division by zero", "my_data.py, line 5"]),
        ("    raise SystemError('odd')\n", ["SystemError: odd"]),
        ("    return 3\n", ["train: TypeError", '{"train": (images, labels, class_names[, ids])']),
        ("    return {'train': ([[[1]]], [0], None)}\n", ["test: KeyError", '{"train"']),
        ("    return {'train': (1, 2), 'test': (1, 2)}\n", ["train: ValueError", '{"train"']),
        ("    return {'train': ([[1], [1, 2]], [0, 1], None)}\n", ["train: ValueError", "inhomogeneous"]),
        ("    return {n: (np.zeros((2, 3)), [0, 1], None) for n in ('train', 'test')}\n", ["shape (2, 3)"]),
        ("    return {n: (np.zeros((2, 3, 3)), [0, 5], ['a', 'b']) for n in ('train', 'test')}\n", ["label 5"]),
        (
            "    return {n: (np.zeros((2, 3, 3)), [0, 1], {0: 'cat', 1: 'dog'}) for n in ('train', 'test')}\n",
            ["class_names: dict", "one-dimensional text"],
        ),
        (
            "    return {n: (np.zeros((2, 3, 3)), [0, 1], 'ab') for n in ('train', 'test')}\n",
            ["class_names: str", "one-dimensional text"],
        ),
    ],
)
def test_a_failing_function_is_named_with_its_error(module, body, said):
    text = errors_of(module(body))
    for part in ["my_data:load", *said]:
        assert part in text


ALIKE = {
    "tensors with gradients": "torch.tensor(images, requires_grad=True), torch.tensor(labels), names, torch.arange(4)",
    "short floats": "torch.tensor(images).bfloat16(), labels, names, torch.arange(4)",
    "half precision": "torch.tensor(images).half(), labels, names, np.arange(4)",
    "lists of tensors": "[*torch.tensor(images, requires_grad=True)], [*torch.tensor(labels)], names, [*'0123']",
    "plain lists": "images.tolist(), labels, names, [0, 1, 2, 3]",
    "pandas": "images, pd.Series(labels, index=[3, 2, 1, 0]), names, pd.Series([0, 1, 2, 3])",
    "pandas' categories": "images, pd.Series(['even', 'odd'] * 2, dtype='category'), names, list(range(4))",
    "xarray": "xr.DataArray(images), xr.DataArray(labels), names, xr.DataArray([*range(4)])",
    "masked arrays without masked values": "np.ma.array(images), np.ma.array(labels), names, np.arange(4)",
}
EXACT = "images, labels, names = np.arange(48).reshape(4, 1, 3, 4) / np.float32(64), [0, 1] * 2, ['even', 'odd']"


@pytest.mark.parametrize("returned", ALIKE.values(), ids=ALIKE)
def test_whatever_is_like_an_array_is_taken_exactly(module, returned):
    body = f"    import torch, pandas as pd, xarray as xr\n    {EXACT}\n"
    splits = load(module(f"{body}    part = ({returned})\n    return {{'train': part, 'test': part}}\n"))
    assert splits["test"].labels.tolist() == [0, 1, 0, 1]
    assert splits["test"].ids.tolist() == ["0", "1", "2", "3"]
    np.testing.assert_array_equal(pixels(splits["test"]).ravel(), np.arange(48, dtype=np.float32) / 64)


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("np.ma.array(images, mask=images > 0.5), labels", "some values are masked"),
        ("[np.ma.array(image, mask=image > 0.5) for image in images], labels", "some values are masked"),
        ("images, np.ma.array(labels, mask=[0, 0, 0, 1])", "some values are masked"),
        ("[Image.new('P', (4, 3))] * 4, labels", "np.asarray(image.convert"),
        ("torch.eye(4).to_sparse(), labels", "TypeError"),
        ("iter(images), labels", "shape ()"),
        ("images[:, 0, :, :, None].repeat(8, 1), labels", "transpose the images"),
    ],
)
def test_what_cannot_be_taken_exactly_is_refused(module, returned, said):
    body = f"    import torch\n    from PIL import Image\n    {EXACT}\n"
    text = errors_of(module(f"{body}    part = ({returned}, names)\n    return {{'train': part, 'test': part}}\n"))
    assert "my_data:load" in text
    assert said in text


def test_a_missing_function_module_or_option_is_named(module):
    spec = module(GOOD)
    assert "my_data has no function 'read'" in errors_of(spec | {"function": "my_data:read"})
    assert "No module named 'my_dta'" in errors_of(spec | {"function": "my_dta:load"})
    assert "unexpected keyword argument 'size'" in errors_of(spec | {"options": {"size": 3}})


# torchvision


def fashion(root):
    """Fashion-MNIST's four files with a few random images; returns images and labels of train and test."""
    folder = root / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    parts = []
    for name, count in (("train", 30), ("t10k", 20)):
        images = GENERATOR.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        header = np.array([0x803, count, 28, 28], ">i4").tobytes()
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = np.array([0x801, count], ">i4").tobytes()
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
        parts.append((images, labels))
    return parts


def test_fashion_mnist_from_its_files(tmp_path):
    parts = fashion(tmp_path)
    splits = load({"source": "fashion_mnist", "root": str(tmp_path), "download": False})
    for (images, labels), split in zip(parts, splits.values(), strict=True):
        np.testing.assert_array_equal(pixels(split)[:, 0], images)
        assert split.labels.tolist() == labels.tolist()
        assert split.class_names[9] == "Ankle boot"
    assert splits["test"].ids[7] == "test-00007"


def test_a_damaged_file_of_fashion_mnist(tmp_path):
    fashion(tmp_path)
    (tmp_path / "FashionMNIST" / "raw" / "t10k-images-idx3-ubyte").write_bytes(b"no images")
    text = errors_of({"source": "fashion_mnist", "root": str(tmp_path), "download": False})
    assert str(tmp_path) in text
    assert "damaged" in text


def test_unpacked_files_are_compared_with_the_official_archives(tmp_path, monkeypatch):
    fashion(tmp_path)
    folder = tmp_path / "FashionMNIST" / "raw"
    files = sorted(folder.iterdir())
    for file in files:
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    sums = [(f"{f.name}.gz", hashlib.md5(f.with_name(f"{f.name}.gz").read_bytes()).hexdigest()) for f in files]
    monkeypatch.setattr("torchvision.datasets.FashionMNIST.resources", sums)
    spec = {"source": "fashion_mnist", "root": str(tmp_path), "download": True}
    assert len(load(spec)["train"]) == 30
    for file in files[:2]:
        file.write_bytes(file.read_bytes()[:-1] + b"x")
    text = errors_of(spec)
    assert f"{files[0]}, {files[1]}\n" in text
    assert "differ from the official ones" in text
    (folder / f"{files[2].name}.gz").write_bytes(b"no archive")
    assert str(files[2]) in errors_of(spec)


def test_old_files_that_torchvision_prefers_are_refused(tmp_path):
    fashion(tmp_path)
    old = tmp_path / "FashionMNIST" / "processed" / "test.pt"
    old.parent.mkdir()
    old.touch()
    assert str(old.parent) in errors_of({"source": "fashion_mnist", "root": str(tmp_path), "download": False})


def test_files_of_fashion_mnist_without_archives_are_part_of_the_settings(tmp_path):
    fashion(tmp_path)
    folder = tmp_path / "FashionMNIST" / "raw"
    (folder / "t10k-images-idx3-ubyte.gz").touch()
    for download in (False, True):
        source = Torchvision(source="fashion_mnist", root=str(tmp_path), download=download)
        names = ("t10k-labels-idx1-ubyte", "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
        assert source.files() == {name: str(folder / name) for name in names}
    assert Torchvision(source="cifar10", root=str(tmp_path)).files() == {}


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("cifar10", "cifar-10-batches-py/data_batch_1"),
        ("cifar100", "cifar-100-python/train"),
        ("fashion_mnist", "FashionMNIST/raw/train-images-idx3-ubyte"),
    ],
)
def test_missing_files_say_where_and_how(tmp_path, source, file):
    text = errors_of({"source": source, "root": str(tmp_path), "download": False})
    assert str(tmp_path / file) in text
    assert "download: true" in text


def test_damaged_cifar_is_not_called_missing(tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    for name in [*(f"data_batch_{i}" for i in range(1, 6)), "test_batch", "batches.meta"]:
        (folder / name).write_bytes(b"")
    text = errors_of({"source": "cifar10", "root": str(tmp_path), "download": False})
    assert "damaged" in text
    assert "the data set is not there" not in text


@pytest.mark.skipif("LATENT_ATLAS_TEST_CIFAR10" not in os.environ, reason="LATENT_ATLAS_TEST_CIFAR10 names no folder")
def test_cifar10_is_the_official_one():
    root = os.environ["LATENT_ATLAS_TEST_CIFAR10"]
    split = load({"source": "cifar10", "root": root, "download": False})["train"]
    with open(f"{root}/cifar-10-batches-py/data_batch_2", "rb") as file:  # noqa: PTH123
        batch = pickle.load(file, encoding="bytes")
    np.testing.assert_array_equal(split.read(np.arange(10_000, 20_000)).reshape(10_000, -1), batch[b"data"])
    assert split.labels[10_000:20_000].tolist() == batch[b"labels"]
    assert split.class_names[:3] == ("airplane", "automobile", "bird")
