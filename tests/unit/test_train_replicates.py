import sys

import numpy as np
import pytest
import torch
import xarray as xr
from sklearn.datasets import load_digits

from workflow_lib.confusion import store
from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.steps.roles import Context
from workflow_lib.steps.train_replicates import train_replicates

VARIABLE = "LATENT_ATLAS_REPLICATES"
DIGITS = 5
SPEC = {
    "architecture": "small_cnn",
    "options": {"width": 8, "hidden": 32},
    "normalize": None,
    "weights": None,
    "training": {"epochs": 10, "batch_size": 32, "lr": 0.01, "schedule": "onecycle"},
    "study": "mixed",
    "pair": "zero+one",
    "classes": ["zero", "one"],
    "mode": "swap",
    "share": 0.5,
    "each": "seeds",
}
SHORT = SPEC["training"] | {"epochs": 2}
STEP = sys.modules["workflow_lib.steps.train_replicates"]


@pytest.fixture(autouse=True)
def torch_settings():
    threads = torch.get_num_threads()
    yield
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def splits(tmp_path_factory):
    """The digits 0 to 4, every third one for testing."""
    digits = load_digits(n_class=DIGITS)
    tested = np.arange(len(digits.target)) % 3 == 0
    folder, names = tmp_path_factory.mktemp("digits"), np.array(["zero", "one", "two", "three", "four"])
    for name, chosen in (("train", ~tested), ("test", tested)):
        labels = digits.target[chosen].astype(np.int64)
        images = (digits.images[chosen, None] / 16).astype(np.float32)
        ids = np.array([f"{name} {number}" for number in range(len(labels))])
        coords = {"sample": ("sample", ids), "label": ("sample", labels), "class": ("class", names)}
        dataset = xr.Dataset({"image": (("sample", "channel", "y", "x"), images)}, coords)
        storage.save(dataset, folder / f"{name}.zarr.zip")
    return {name: folder / f"{name}.zarr.zip" for name in ("train", "test")}


def run(tmp_path, splits, seeds, name="whole", **changes):
    """The stores of a job, by seed."""
    spec = SPEC | {"seeds": {f"seed-{seed}": seed for seed in seeds}} | changes
    paths = [tmp_path / name / f"seed-{seed}.zarr.zip" for seed in seeds]
    (tmp_path / name).mkdir(exist_ok=True)
    train_replicates(
        spec=spec, **splits, weights=None, confusion=paths, context=Context("cpu", 1, tmp_path / f"{name} state")
    )
    return dict(zip(seeds, paths, strict=True))


def matrices(stores):
    return np.stack([storage.load(path)["counts"].values for path in stores.values()])


def told_apart(counts):
    """Of test samples of the classes 0 and 1 that are called either, the share that is called rightly."""
    inner = counts[:, :2, :2].sum(0)
    return inner.trace() / inner.sum()


def test_two_classes_that_were_mixed_up_cannot_be_told_apart(tmp_path, splits):
    mixed = matrices(run(tmp_path, splits, range(10)))
    control = matrices(run(tmp_path, splits, range(3), "control", share=0.0))
    assert abs(told_apart(mixed) - 0.5) < 0.12
    assert told_apart(control) > 0.98
    others = mixed[:, 2:, 2:].sum(0)
    assert others.trace() / mixed[:, 2:].sum() > 0.93, "the others are learnt"
    assert mixed[:, :2, :2].sum() / mixed[:, :2].sum() > 0.93, "both are still told apart from the others"


@pytest.mark.parametrize("mode", ["one_way", "drop", "random"])
def test_each_mode_is_learnt_as_it_says(tmp_path, splits, mode):
    found = matrices(run(tmp_path, splits, range(10), mode, mode=mode)).sum(0)
    own = found[:2].diagonal() / found[:2].sum(1)
    if mode == "one_way":  # an image of 0 is as often 1 as 0, one of 1 is always 1
        assert own[0] < 0.75
        assert own[1] > 0.9
        assert found[0, 1] / found[0].sum() > 0.25
    else:  # half of the images are enough for digits, and a random label is right more often than any wrong one
        assert own.min() > 0.8


def test_the_store_says_what_was_done(tmp_path, splits):
    texts = set()
    for mode in ("swap", "one_way", "drop", "random"):
        (path,) = run(tmp_path, splits, [0], mode, mode=mode, training=SHORT).values()
        texts.add(storage.load(path).attrs["share_definition"])
    assert len(texts) == 4
    assert any("left out" in text for text in texts)


def test_the_store_of_a_run(tmp_path, splits, capsys):
    (path,) = run(tmp_path, splits, [3], training=SHORT).values()
    found = storage.load(path).load()
    names = ["zero", "one", "two", "three", "four"]
    assert found["counts"].dims == ("true", "predicted")
    assert found["counts"].dtype == np.int64
    assert [*found["true"].values] == [*found["predicted"].values] == names
    tested = storage.load(splits["test"])["label"].values
    assert found["counts"].sum("predicted").values.tolist() == np.bincount(tested).tolist()
    assert found["epoch"].values.tolist() == [1, 2]
    assert found["loss"].dtype == np.float64
    assert found["loss"][1] < found["loss"][0] < 2
    assert (found["diverged"].dtype, bool(found["diverged"])) == (bool, False)
    assert found.attrs.keys() == {"title", "pair", "seed", "share", "classes", "share_definition"}
    assert (found.attrs["pair"], found.attrs["seed"], found.attrs["share"]) == ("zero+one", 3, 0.5)
    assert "train_replicates: batched, a batch takes" in capsys.readouterr().err


def test_the_precision_of_the_model_is_that_of_a_stack(tmp_path, splits, capsys):
    losses = [
        storage.load(run(tmp_path, splits, [3], precision, training=SHORT | {"precision": precision})[3])["loss"].values
        for precision in ("float32", "tf32", "bfloat16")
    ]
    assert capsys.readouterr().err.count("train_replicates: batched") == 3
    assert np.array_equal(losses[0], losses[1]), "TF32 is float32 on a CPU"
    assert not np.array_equal(losses[0], losses[2])
    np.testing.assert_allclose(losses[0], losses[2], rtol=0.15)


def test_a_run_that_diverges_is_kept_and_flagged(tmp_path, splits, capsys):
    training = SHORT | {"lr": 1e30, "optimizer": "sgd"}
    for form in ("loop", "batched"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(VARIABLE, form)
            found = storage.load(run(tmp_path, splits, [0, 1], form, training=training)[1]).load()
        assert bool(found["diverged"])
        assert np.isnan(found["loss"]).all()
        assert found["counts"].sum() == len(storage.load(splits["test"])["label"])
    assert "seed-1: the loss is no longer finite in epoch 1" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["loop", "batched"])
def test_a_seed_does_not_depend_on_its_block(tmp_path, splits, form, monkeypatch):
    monkeypatch.setenv(VARIABLE, form)
    whole = {seed: path.read_bytes() for seed, path in run(tmp_path, splits, range(4), training=SHORT).items()}
    part = run(tmp_path, splits, [3, 1], "part", training=SHORT)
    assert {seed: path.read_bytes() for seed, path in part.items()} == {3: whole[3], 1: whole[1]}
    assert len(set(whole.values())) == 4


def labels_and_weights(monkeypatch, tmp_path, splits, **changes):
    """What the runs of a job are trained with, instead of training them."""
    seen = {}

    def spy(runs, *_, **__):
        seen.update({name: (run.labels, run.build()) for name, run in runs.items()})
        return iter(())

    monkeypatch.setattr(STEP, "train_runs", spy)
    monkeypatch.setattr(STEP.shutil, "copyfile", lambda *_: None)
    run(tmp_path, splits, [0, 1], str(changes).replace("/", ""), **changes)
    return [
        (labels.tolist(), network.network.logits.weight.detach().numpy().tolist()) for labels, network in seen.values()
    ]


def test_all_that_is_random_follows_from_study_pair_and_seed(tmp_path, splits, monkeypatch):
    jobs = [
        {},
        {"study": "other"},
        {"pair": "one+two", "classes": ["one", "two"]},
        {"pair": "baseline", "classes": []},
    ]
    found = [labels_and_weights(monkeypatch, tmp_path, splits, **changes) for changes in jobs]
    assert found[0] == labels_and_weights(monkeypatch, tmp_path, splits)
    initial = [str(weights) for job in found for _, weights in job]
    assert len(set(initial)) == len(initial)
    labels = [str(labels) for job in found[:3] for labels, _ in job]
    assert len(set(labels)) == len(labels)
    stored = storage.load(splits["train"])["label"].values
    assert all(labels == stored.tolist() for labels, _ in found[3])
    one = np.array(found[0][0][0])
    sizes = np.bincount(stored)
    assert [(one[stored == k] != k).sum() for k in range(DIGITS)] == [sizes[0] // 2, sizes[1] // 2, 0, 0, 0]


class KilledError(Exception):
    pass


@pytest.mark.parametrize("form", ["loop", "batched"])
def test_a_killed_job_keeps_what_is_done(tmp_path, splits, form, monkeypatch):
    monkeypatch.setenv(VARIABLE, form)
    monkeypatch.setattr(sys.modules["workflow_lib.training.replicates.train"], "MOST", {"cpu": 2})
    whole = {seed: path.read_bytes() for seed, path in run(tmp_path, splits, range(4), training=SHORT).items()}
    write, written = store.write, []

    def killing(path, *about):
        if len(written) == 2:
            raise KilledError
        written.append(path)
        write(path, *about)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(store, "write", killing)
        run(tmp_path, splits, range(4), "killed", training=SHORT)
    written[1].write_bytes(written[1].read_bytes()[:-50])
    anew = []
    monkeypatch.setattr(store, "write", lambda path, *about: (anew.append(path.name), write(path, *about)))
    resumed = run(tmp_path, splits, range(4), "killed", training=SHORT)
    assert {seed: path.read_bytes() for seed, path in resumed.items()} == whole
    assert anew == ["seed-1.zarr.zip", "seed-2.zarr.zip", "seed-3.zarr.zip"]


def test_given_weights_are_where_the_training_starts(tmp_path, splits):
    given = tmp_path / "given.pt"
    network = STEP.initial_network(SPEC, (1, 8, 8), DIGITS, ("given", 0))
    torch.save(network.network.state_dict(), given)
    training = SHORT | {"lr": 1e-30}
    seen = [
        matrices(run(tmp_path, splits, [0, 1], str(weights is None), weights=weights, training=training))
        for weights in (None, str(given))
    ]
    assert not np.array_equal(seen[0][0], seen[0][1])
    assert np.array_equal(seen[1][0], seen[1][1])


def test_a_class_that_there_is_not(tmp_path, splits):
    with pytest.raises(UserError, match=r"confusion.studies.mixed.pairs: zehro(.|\n)*zero, one(.|\n)*write zero"):
        run(tmp_path, splits, [0], classes=["zehro", "one"])


def test_a_baseline_has_no_share(tmp_path, splits):
    (path,) = run(tmp_path, splits, [0], pair="baseline", classes=[], training=SHORT).values()
    assert storage.load(path).attrs["share"] == 0
