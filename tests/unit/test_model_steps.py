import copy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from workflow_lib.errors import UserError
from workflow_lib.features.attacks import apply_pgd
from workflow_lib.io import checkpoints, storage
from workflow_lib.models.registry import build
from workflow_lib.models.stored import restore
from workflow_lib.steps.extract_features import extract_features
from workflow_lib.steps.import_weights import import_weights
from workflow_lib.steps.roles import Context
from workflow_lib.steps.train_interval import train_interval

COUNT = 60
NETWORK = {"architecture": "small_cnn", "options": {"width": 8, "hidden": 16}, "normalize": None}
TRAIN = NETWORK | {
    "weights": None,
    "training": {"epochs": 4, "batch_size": 16, "lr": 0.01, "augmentation": {"crop_padding": 1}},
    "model": "cnn",
    "seed": 3,
    "stop_epoch": 4,
}
LAYERS = {"early": {"module": "conv1", "pool": "max"}, "late": {"module": "dense1", "pool": "none"}}


@pytest.fixture(autouse=True)
def torch_settings():
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.fixture
def split(tmp_path):
    return write_split(tmp_path / "train.zarr.zip")


def write_split(path, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.arange(COUNT) % 3
    images = rng.integers(0, 150, (COUNT, 1, 8, 8), dtype=np.uint8)
    images[np.arange(COUNT), 0, labels * 2] += 100
    dataset = xr.Dataset(
        {"image": (("sample", "channel", "y", "x"), images)},
        {
            "sample": ("sample", np.array([f"s{number}" for number in range(COUNT)])),
            "label": ("sample", labels),
            "class": ("class", np.array(["top", "middle", "bottom"])),
        },
    )
    storage.save(dataset, path)
    return path


def context(tmp_path, name="scratch", threads=1):
    return Context("cpu", threads, tmp_path / name)


def trained(tmp_path, split, name="whole", previous=None, threads=1, weights_of=None, former=None, **changes):
    files = {"checkpoint": tmp_path / f"{name}.pt", "curve": tmp_path / f"{name}.csv"}
    runtime = context(tmp_path, name, threads)
    inputs = {"dataset": split, "weights": weights_of, "former": former, "previous": previous}
    train_interval(spec=TRAIN | changes, **inputs, **files, context=runtime)
    return files["checkpoint"]


def files_of(checkpoint):
    return checkpoint.read_bytes(), checkpoint.with_suffix(".csv").read_bytes()


def test_intervals_chain_to_the_same_files(tmp_path, split):
    whole = files_of(trained(tmp_path, split))
    first = trained(tmp_path, split, "first", stop_epoch=1)
    second = trained(tmp_path, split, "second", previous=first, stop_epoch=3)
    assert files_of(trained(tmp_path, split, "last", previous=second)) == whole
    assert checkpoints.load(second)["epoch"] == 3
    assert storage.read_table(tmp_path / "last.csv")["epoch"].tolist() == [1, 2, 3, 4]


def forge(checkpoint):
    """A checkpoint that says it is this one but holds other weights: the result shows whether it was used."""
    content = checkpoints.load(checkpoint)
    content["network"]["conv1.conv.weight"] += 1
    checkpoints.save(content, checkpoint.with_suffix(".forged"))
    return checkpoint.with_suffix(".forged")


def test_the_previous_checkpoint_is_used_where_it_fits_only(tmp_path, split):
    whole = files_of(trained(tmp_path, split))
    first = trained(tmp_path, split, "first", stop_epoch=1)
    forged = forge(first)
    assert files_of(trained(tmp_path, split, "after", previous=forged)) != whole, "it was not read"

    other_data = write_split(tmp_path / "other.zarr.zip", seed=1)
    damaged = tmp_path / "damaged.pt"
    damaged.write_bytes(first.read_bytes()[:-100])
    strangers = {
        "seed": trained(tmp_path, split, "stranger1", seed=4, stop_epoch=1),
        "settings": trained(tmp_path, split, "stranger2", stop_epoch=1, training=TRAIN["training"] | {"lr": 0.02}),
        "data": trained(tmp_path, other_data, "stranger3", stop_epoch=1),
        "damaged": damaged,
        "threads": forge(trained(tmp_path, split, "stranger4", stop_epoch=1, threads=2)),
        "missing": tmp_path / "missing.pt",
    }
    for name, previous in strangers.items():
        assert files_of(trained(tmp_path, split, f"after {name}", previous=previous)) == whole, name
    longer = trained(tmp_path, split, "short", previous=trained(tmp_path, split, "long"), stop_epoch=1)
    assert files_of(longer) == files_of(first)


def test_a_training_that_diverges_is_told_as_one(tmp_path, split):
    """In its last step, which no loss follows; and in the middle."""
    settings = TRAIN["training"] | {"epochs": 1, "batch_size": COUNT, "optimizer": "sgd", "lr": 1e45}
    with pytest.raises(UserError, match=r"models\.cnn\.training\.lr: 1e\+45\n.*infinite weights .*conv1"):
        trained(tmp_path, split, stop_epoch=1, training=settings)
    assert not (tmp_path / "whole.pt").exists()
    with pytest.raises(UserError, match=r"models\.cnn\.training\.lr: 1e\+10\n.*the loss is no longer finite in epoch"):
        trained(tmp_path, split, training=settings | {"epochs": 4, "lr": 1e10})


@pytest.mark.parametrize(("stage", "left"), [({}, (1, 2)), ({"percent": 90}, (1, 2)), ({"percent": 50}, (3, 0))])
def test_a_killed_job_goes_on_from_its_scratch(tmp_path, split, monkeypatch, stage, left):
    """Four batches an epoch, or as many and two in a stage, which then starts from the weights of another one."""
    more = stage | ({"former": trained(tmp_path, split, "former", percent=25)} if stage else {})
    whole = files_of(trained(tmp_path, split, **more))
    module = sys.modules["workflow_lib.steps.train_interval"]
    real, steps = module.train, []

    def killed(*arguments, save_state, **more):
        def save(state):
            save_state(state)
            steps.append((state.epoch, state.step))
            if len(steps) == 6:
                raise KeyboardInterrupt

        return real(*arguments, save_state=save, save_every=0, **more)

    def resumed(*arguments, state, **more):
        assert (state.epoch, state.step) == steps[-1] == left
        return real(*arguments, state=state, **more)

    monkeypatch.setattr(module, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path, split, "job", **more)
    assert not (tmp_path / "job.pt").exists()
    monkeypatch.setattr(module, "train", resumed)
    assert files_of(trained(tmp_path, split, "job", **more)) == whole


def features(tmp_path, split, checkpoint, roles=("late", "early"), **changes):
    paths = [tmp_path / f"{role}.zarr.zip" for role in roles]
    spec = NETWORK | {"layers": LAYERS, "transform": None, "predictions": None} | changes
    extract_features(spec=spec, checkpoint=checkpoint, dataset=split, features=paths, context=context(tmp_path))
    return [storage.load(path).load() for path in paths]


def test_features_of_a_trained_network(tmp_path, split):
    checkpoint = trained(tmp_path, split)
    late, early = features(tmp_path, split, checkpoint)
    network, stored = restore(checkpoints.load(checkpoint)), storage.load(split)
    images = torch.from_numpy(stored["image"].values).float() / 255
    with torch.no_grad():
        maps = network.network.conv1(images)
        vectors = network.network.dense1(network.network.flatten(network.network.conv3(network.network.conv2(maps))))
        predicted = network(images).argmax(1)
    np.testing.assert_allclose(late["features"], vectors, atol=1e-5)
    np.testing.assert_allclose(early["features"], maps.amax((2, 3)), atol=1e-5)
    for store in (late, early):
        assert store["features"].dims == ("sample", "feature")
        assert store["features"].dtype == np.float32
        assert store["class"].values.tolist() == ["top", "middle", "bottom"]
        np.testing.assert_array_equal(store["sample"], stored["sample"])
        np.testing.assert_array_equal(store["label"], stored["label"])
        np.testing.assert_array_equal(store["prediction"], predicted)


def test_features_are_streamed_in_order(tmp_path, split, monkeypatch):
    checkpoint = trained(tmp_path, split)
    whole = features(tmp_path, split, checkpoint)
    monkeypatch.setattr("workflow_lib.steps.extract_features.MOST_IN_BATCH", 7)
    for one, other in zip(whole, features(tmp_path, split, checkpoint), strict=True):
        np.testing.assert_allclose(one["features"], other["features"], atol=1e-5)
        np.testing.assert_array_equal(one["prediction"], other["prediction"])


def test_a_wrong_order_is_noticed(tmp_path, split, monkeypatch):
    from workflow_lib.datasets.artifact import StoredSplit

    real = StoredSplit.images

    def reversed_batches(self, start, stop):
        images = real(self, start, stop)
        return images[::-1].copy()

    checkpoint = trained(tmp_path, split)
    monkeypatch.setattr(StoredSplit, "images", reversed_batches)
    with pytest.raises(UserError, match="sample s0"):
        features(tmp_path, split, checkpoint)


def test_transformed_images_give_other_features(tmp_path, split):
    checkpoint = trained(tmp_path, split)
    plain, noisy = (
        features(tmp_path, split, checkpoint, roles=["late"], transform=transform)[0]["features"].values
        for transform in (None, {"kind": "gaussian_noise", "std": 0.3, "seed": 0})
    )
    assert not np.allclose(plain, noisy, atol=1e-2)


PGD = {
    "kind": "pgd",
    **{"norm": "linf", "epsilon": 0.1, "step": 0.03, "steps": 4, "random_start": True},
    **{"restarts": 2, "target": "label", "seed": 0},
}


def test_the_features_of_an_attack_are_those_of_the_attacked_images(tmp_path, split, monkeypatch):
    checkpoint = trained(tmp_path, split)
    monkeypatch.setattr("workflow_lib.steps.extract_features.MOST_IN_BATCH", 7)
    (store,) = features(tmp_path, split, checkpoint, roles=["late"], transform=PGD)
    network, stored = restore(checkpoints.load(checkpoint)), storage.load(split)
    images = stored["image"].values.astype(np.float32) / 255
    found = apply_pgd(images, stored["sample"].values.tolist(), stored["label"].values, PGD, network, "cpu")
    with torch.no_grad():
        predicted = network(torch.from_numpy(found.images)).argmax(1).numpy()
    np.testing.assert_array_equal(store["prediction"], predicted)
    np.testing.assert_array_equal(store["attack_success"], predicted != stored["label"].values)
    assert 0 < store["attack_success"].values.mean() < 1
    for name, values in found.values.items():
        assert (store[name].dims, store[name].dtype) == (("sample",), values.dtype)
        np.testing.assert_allclose(store[name], values, rtol=1e-5)
    (plain,) = features(tmp_path, split, checkpoint, roles=["late"])
    assert "attack_success" not in plain


def of_five_classes(tmp_path, split):
    """A network with an output for each of five classes, and the checkpoint of its loaded weights."""
    network = build("small_cnn", in_channels=1, image_size=(8, 8), n_classes=5, seed=9, options=NETWORK["options"])
    torch.save(network.network.state_dict(), tmp_path / "weights.pt")
    spec = NETWORK | {"weights": str(tmp_path / "weights.pt"), "model": "cnn", "seed": 0}
    checkpoint = tmp_path / "imported.pt"
    import_weights(spec=spec, dataset=split, weights=None, checkpoint=checkpoint)
    return network, checkpoint


def test_an_attack_away_from_labels_needs_outputs_that_are_the_classes(tmp_path, split):
    _, checkpoint = of_five_classes(tmp_path, split)
    with pytest.raises(UserError, match=r"transforms\.target: label\n.*outputs .* are not the classes"):
        features(tmp_path, split, checkpoint, roles=["late"], transform=PGD)
    (store,) = features(tmp_path, split, checkpoint, roles=["late"], transform=PGD | {"target": "prediction"})
    assert "attack_loss" in store


def test_weights_of_other_classes_keep_their_outputs_and_give_no_predictions(tmp_path, split):
    network, checkpoint = of_five_classes(tmp_path, split)
    layers = {"logits": {"module": "logits", "pool": "none"}}
    (store,) = features(tmp_path, split, checkpoint, roles=["logits"], layers=layers)
    images = torch.from_numpy(storage.load(split)["image"].values).float() / 255
    np.testing.assert_allclose(store["features"], network(images).detach(), atol=1e-5)
    assert store["features"].shape == (COUNT, 5)
    assert not {"prediction", "confidence", "label_probability"} & set(store.variables)


def test_weights_of_another_model_bring_its_normalisation(tmp_path, split):
    """That model may have its normalisation from published weights, which no config names."""
    source = trained(tmp_path, split, "source", normalize={"mean": [0.5], "std": [0.25]})
    spec = NETWORK | {"weights": {"model": "source"}, "model": "copy", "seed": 0}
    checkpoint = tmp_path / "copy.pt"
    import_weights(spec=spec, dataset=split, weights=source, checkpoint=checkpoint)
    later = trained(tmp_path, split, "later", weights_of=source)
    for path in (checkpoint, later):
        assert checkpoints.load(path)["normalize"] == {"mean": [0.5], "std": [0.25]}


def test_weights_of_more_classes_predict_those_of_the_dataset(tmp_path, split):
    """Outputs 0 and 3 are the class top, 4 is bottom, 1 middle, and 2 no class."""
    network, checkpoint = of_five_classes(tmp_path, split)
    path = tmp_path / "map.json"
    path.write_text('{"top": [0, 3], "bottom": [4], "middle": [1]}')
    logits = network(torch.from_numpy(storage.load(split)["image"].values).float() / 255).detach()
    shares = logits.softmax(1).numpy()
    by_hand = {
        "mean_probability": np.stack([shares[:, [0, 3]].mean(1), shares[:, 1], shares[:, 4]], 1).argmax(1),
        "argmax": np.array([0, 1, 0, 2])[logits[:, [0, 1, 3, 4]].argmax(1)],
    }
    for rule, expected in by_hand.items():
        settings = {"map": str(path), "rule": rule}
        (store,) = features(tmp_path, split, checkpoint, roles=["late"], predictions=settings)
        np.testing.assert_array_equal(store["prediction"], expected)
        of_class = np.stack([shares[:, [0, 3]].sum(1), shares[:, 1], shares[:, 4]], 1)
        of_class /= of_class.sum(1, keepdims=True)  # without output 2, which is no class
        for name, chosen in (("confidence", expected), ("label_probability", store["label"].values)):
            np.testing.assert_allclose(store[name], of_class[np.arange(COUNT), chosen], rtol=1e-5)
    path.write_text('{"top": [0, 5], "bottom": [4]}')
    with pytest.raises(UserError, match="2 problems") as error:
        features(tmp_path, split, checkpoint, roles=["late"], predictions=settings)
    assert "numbered from 0 to 4" in str(error.value)
    assert "middle" in str(error.value)


def test_training_starts_from_given_weights(tmp_path, split):
    network = build("small_cnn", in_channels=1, image_size=(8, 8), n_classes=5, seed=9, options=NETWORK["options"])
    torch.save(network.network.state_dict(), tmp_path / "weights.pt")
    started = trained(
        tmp_path,
        split,
        weights=str(tmp_path / "weights.pt"),
        stop_epoch=1,
        training={"epochs": 1, "batch_size": 60, "lr": 1e-12, "optimizer": "sgd"},
    )
    moved = checkpoints.load(started)["network"]
    torch.testing.assert_close(moved["conv2.conv.weight"], network.network.conv2.conv.weight.detach())
    assert moved["logits.weight"].shape == (3, 16)


USER_CODE = """
from torch import nn
def make(in_channels, image_size, n_classes):
    return nn.Sequential(
        nn.Conv2d(in_channels, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.Flatten(),
        nn.Linear(144, n_classes),
    )
"""


@pytest.fixture
def own_code(tmp_path, monkeypatch):
    """Modules that a test writes into the working directory can be imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))


def test_features_that_depend_on_the_batch_are_refused(tmp_path, split, own_code):
    Path("batch_networks.py").write_text(USER_CODE)
    network = {"architecture": "batch_networks:make", "options": {}}
    checkpoint = trained(tmp_path, split, **network)
    layers = {"conv": {"module": "0", "pool": "none"}, "norm": {"module": "1", "pool": "none"}}
    with pytest.raises(UserError, match=r"of the logits, layer norm for an image .* share its batch"):
        features(tmp_path, split, checkpoint, roles=["conv", "norm"], layers=layers, **network)
    with pytest.raises(UserError, match=r"of the logits for an image .* share its batch"):
        features(tmp_path, split, checkpoint, roles=["conv"], layers=layers, **network)


RANDOM_CODE = """
from torch import nn
from torch.nn import functional
class Net(nn.Module):
    def __init__(self, n_classes, share):
        super().__init__()
        self.first, self.last, self.share = nn.Linear(64, 16), nn.Linear(16, n_classes), share
    def forward(self, images):
        return self.last(functional.dropout(self.first(images.flatten(1)), self.share))
def make(in_channels, image_size, n_classes, share=0.0):
    return Net(n_classes, share)
"""


def test_random_predictions_are_refused(tmp_path, split, own_code):
    """The layer is repeatable, the dropout behind it is not, so the predictions are random."""
    Path("random_networks.py").write_text(RANDOM_CODE)
    network = {"architecture": "random_networks:make", "options": {"share": 0.02}}
    checkpoint = trained(tmp_path, split, **network)
    layers = {"first": {"module": "first", "pool": "none"}}
    with pytest.raises(UserError, match=r"random in eval mode: .* different values of the logits\n"):
        features(tmp_path, split, checkpoint, roles=["first"], layers=layers, **network)
    features(tmp_path, split, trained(tmp_path, split, **network | {"options": {}}), roles=["first"], layers=layers)


def test_features_that_are_not_finite_are_named(tmp_path, split):
    checkpoint = trained(tmp_path, split)
    content = checkpoints.load(checkpoint)
    content["network"]["dense1.linear.bias"][0] = float("nan")
    checkpoints.save(content, checkpoint)
    with pytest.raises(UserError, match=r"sample s0\n.*NaN or infinite values of the logits, layer late for"):
        features(tmp_path, split, checkpoint)


def test_a_wrong_layer_lists_the_layers(tmp_path, split):
    layers = copy.deepcopy(LAYERS)
    layers["late"]["module"] = "dense2"
    with pytest.raises(UserError, match=r"layers\.late: dense2\n.*conv1, .*\n.*write dense1"):
        features(tmp_path, split, trained(tmp_path, split), layers=layers)
    assert not (tmp_path / "late.zarr.zip").exists()
