import sys
from contextlib import contextmanager

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
    "each": "runs",
}
CONFUSED = {"pair": "zero+one", "classes": ["zero", "one"], "mode": "swap", "share": 0.5}
OTHER = {"pair": "two+three", "classes": ["two", "three"], "mode": "swap", "share": 0.5}
BASELINE = {"pair": "baseline", "classes": [], "mode": "swap", "share": 0.0}
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


def run(tmp_path, splits, seeds, name="whole", confused=CONFUSED, **changes):
    """The stores of a job that trains one pair, by seed."""
    made = run_all(tmp_path, splits, [confused | {"seed": seed} for seed in seeds], name, **changes)
    return dict(zip(seeds, made.values(), strict=True))


def run_all(tmp_path, splits, runs, name="whole", **changes):
    """The stores of a job, by pair and seed."""
    named = {f"{run['pair']}/seed-{run['seed']}": run for run in runs}
    paths = {run: tmp_path / name / f"{run}.zarr.zip" for run in named}
    for path in paths.values():
        path.parent.mkdir(parents=True, exist_ok=True)
    train_replicates(
        spec=SPEC | {"runs": named} | changes,
        **splits,
        weights=None,
        confusion=list(paths.values()),
        context=Context("cpu", 1, tmp_path / f"{name} state"),
    )
    return paths


def matrices(stores):
    return np.stack([storage.load(path)["counts"].values for path in stores.values()])


def told_apart(counts):
    """Of test samples of the classes 0 and 1 that are called either, the share that is called rightly."""
    inner = counts[:, :2, :2].sum(0)
    return inner.trace() / inner.sum()


def test_two_classes_that_were_mixed_up_cannot_be_told_apart(tmp_path, splits):
    mixed = matrices(run(tmp_path, splits, range(10)))
    control = matrices(run(tmp_path, splits, range(3), "control", CONFUSED | {"share": 0.0}))
    assert abs(told_apart(mixed) - 0.5) < 0.12
    assert told_apart(control) > 0.98
    others = mixed[:, 2:, 2:].sum(0)
    assert others.trace() / mixed[:, 2:].sum() > 0.93, "the others are learnt"
    assert mixed[:, :2, :2].sum() / mixed[:, :2].sum() > 0.93, "both are still told apart from the others"


@pytest.mark.parametrize("mode", ["one_way", "drop", "random"])
def test_each_mode_is_learnt_as_it_says(tmp_path, splits, mode):
    found = matrices(run(tmp_path, splits, range(10), mode, CONFUSED | {"mode": mode})).sum(0)
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
        (path,) = run(tmp_path, splits, [0], mode, CONFUSED | {"mode": mode}, training=SHORT).values()
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
    assert "zero+one/seed-1: the loss is no longer finite in epoch 1" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["loop", "batched"])
def test_a_run_does_not_depend_on_those_beside_it(tmp_path, splits, form, monkeypatch):
    monkeypatch.setenv(VARIABLE, form)

    def found(name, *runs):
        stores = run_all(tmp_path, splits, [pair | {"seed": seed} for pair, seed in runs], name, training=SHORT)
        return {run: path.read_bytes() for run, path in stores.items()}

    whole = found("whole", (CONFUSED, 0), (BASELINE, 3), (OTHER, 0), (CONFUSED, 3))
    assert list(whole) == ["zero+one/seed-0", "baseline/seed-3", "two+three/seed-0", "zero+one/seed-3"]
    assert len(set(whole.values())) == 4
    part = found("part", (OTHER, 0), (CONFUSED, 0)) | found("alone", (BASELINE, 3)) | found("last", (CONFUSED, 3))
    assert part == whole


def test_runs_of_all_pairs_share_a_stack(tmp_path, splits, monkeypatch):
    replicates, sizes = sys.modules["workflow_lib.training.replicates.train"], []
    train_stack = replicates.train_stack

    def spy(runs, *args, **options):
        sizes.append(len({run.lineage for run in runs}))
        return train_stack(runs, *args, **options)

    monkeypatch.setattr(replicates, "train_stack", spy)
    runs = [pair | {"seed": seed} for pair in (BASELINE, CONFUSED, OTHER) for seed in range(2)]
    stores = run_all(tmp_path, splits, runs, training=SHORT | {"epochs": 1})
    assert sizes == [6]
    about = [storage.load(path).attrs for path in stores.values()]
    assert [(one["pair"], one["seed"], one["classes"]) for one in about] == [
        (run["pair"], run["seed"], run["classes"]) for run in runs
    ]


def labels_and_weights(monkeypatch, tmp_path, splits, **changes):
    """What the runs of a job are trained with, instead of training them."""
    seen = {}

    def spy(runs, *_, **__):
        seen.update({name: (run.labels, run.build()) for name, run in runs.items()})
        return iter(())

    monkeypatch.setattr(STEP, "train_runs", spy)
    monkeypatch.setattr(STEP.shutil, "copyfile", lambda *_: None)
    run(tmp_path, splits, [0, 1], **changes)
    return [
        (labels.tolist(), network.network.logits.weight.detach().numpy().tolist()) for labels, network in seen.values()
    ]


def test_all_that_is_random_follows_from_study_pair_and_seed(tmp_path, splits, monkeypatch):
    jobs = [
        {},
        {"study": "other"},
        {"confused": CONFUSED | {"pair": "one+two", "classes": ["one", "two"]}},
        {"confused": BASELINE},
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


@contextmanager
def killed_after_two(monkeypatch):
    """A job that ends after two stores; gives their paths."""
    write, written = store.write, []

    def killing(path, *about):
        if len(written) == 2:
            raise KilledError
        written.append(path)
        write(path, *about)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(store, "write", killing)
        yield written


@pytest.mark.parametrize("form", ["loop", "batched"])
def test_a_killed_job_keeps_what_is_done(tmp_path, splits, form, monkeypatch):
    monkeypatch.setenv(VARIABLE, form)
    monkeypatch.setattr(sys.modules["workflow_lib.training.replicates.train"], "MOST", {"cpu": 2})
    whole = {seed: path.read_bytes() for seed, path in run(tmp_path, splits, range(4), training=SHORT).items()}
    write = store.write
    with killed_after_two(monkeypatch) as written:
        run(tmp_path, splits, range(4), "killed", training=SHORT)
    written[1].write_bytes(written[1].read_bytes()[:-50])
    anew = []
    monkeypatch.setattr(store, "write", lambda path, *about: (anew.append(path.name), write(path, *about)))
    resumed = run(tmp_path, splits, range(4), "killed", training=SHORT)
    assert {seed: path.read_bytes() for seed, path in resumed.items()} == whole
    assert anew == ["seed-1.zarr.zip", "seed-2.zarr.zip", "seed-3.zarr.zip"]


def test_a_killed_job_goes_on_in_another_pair(tmp_path, splits, monkeypatch):
    monkeypatch.setattr(sys.modules["workflow_lib.training.replicates.train"], "MOST", {"cpu": 2})
    runs = [pair | {"seed": seed} for pair in (CONFUSED, OTHER) for seed in range(2)]
    write = store.write
    with killed_after_two(monkeypatch):
        run_all(tmp_path, splits, runs, training=SHORT)
    anew = []
    monkeypatch.setattr(store, "write", lambda path, *about: (anew.append(path.parent.name), write(path, *about)))
    run_all(tmp_path, splits, runs, training=SHORT)
    assert anew == ["two+three", "two+three"]


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


def test_classes_that_there_are_not(tmp_path, splits):
    runs = [CONFUSED | {"seed": 0, "classes": ["zehro", "one"]}, OTHER | {"seed": 0, "classes": ["two", "thre"]}]
    told = r"confusion.studies.mixed.pairs: zehro(.|\n)*zero, one(.|\n)*write zero(.|\n)*pairs: thre\b"
    with pytest.raises(UserError, match=told):
        run_all(tmp_path, splits, runs)


def test_a_baseline_has_no_share(tmp_path, splits):
    (path,) = run(tmp_path, splits, [0], confused=BASELINE, training=SHORT).values()
    assert storage.load(path).attrs["share"] == 0
