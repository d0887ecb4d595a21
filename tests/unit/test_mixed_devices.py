"""Networks trained and features extracted on another device, k* computed on the CPU: what is allowed to differ."""

from pathlib import Path

import numpy as np
import pytest
import torch
from estimate_cases import MINIATURE, planned

from workflow_lib.config.yaml_file import read_mapping
from workflow_lib.io import storage
from workflow_lib.plan import targets
from workflow_lib.plan.jobs import upstream
from workflow_lib.runner.run import run
from workflow_lib.training.optimisation import Settings, make_optimizer

SAME = 1e-5
"""Largest difference of features, relative to the largest value, after the four epochs of the miniature."""
CHANGED = 0.01
"""Largest share of samples with another k*."""
ACCURACY = 0.1
"""Largest difference of the mean accuracy of two fully trained networks, on 48 samples each."""
SGD = {"optimizer": "sgd", "lr": 0.05}
ADAM = {"optimizer": "adam", "lr": 0.01}

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def results(folder, monkeypatch, training, threads=1, **devices):
    """Features, predictions and k* of all networks of the miniature, by path.

    Networks are trained, and features extracted, on the device named for this verb, otherwise on the CPU.
    """
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LATENT_ATLAS_CACHE", raising=False)
    models = read_mapping(MINIATURE)["models"]
    models["digits_cnn"]["training"] |= training
    plan = planned(models=models)
    for job in upstream(plan, targets.default(plan)):
        if job.verb in ("train_interval", "extract_features"):
            run(job.run(plan, devices.get(job.verb, "cpu"))._replace(threads=threads))
        elif job.verb in ("prepare_dataset", "compute_kstar"):
            run(job.run(plan, "cpu"))
    features = {path: storage.load(path).load() for path in sorted(Path("results/features").rglob("*.zarr.zip"))}
    kappa = {path: storage.load(path)["kappa"].values for path in sorted(Path("results/kstar").rglob("*.zarr.zip"))}
    assert (len(features), len(kappa)) == (12, 16)
    return features, kappa


def require_agreement(found, expected):
    """Features agree but for rounding, and hardly any k* is another."""
    for path, store in expected[0].items():
        values = store["features"].values
        assert np.abs(found[0][path]["features"].values - values).max() <= SAME * np.abs(values).max()
    for path, kappa in expected[1].items():
        assert (found[1][path] != kappa).mean() <= CHANGED


def accuracy(found):
    """Mean accuracy of the fully trained networks."""
    stores = [store for path, store in found[0].items() if "interval-100/" in str(path)]
    return np.mean([(store["prediction"] == store["label"]).mean() for store in stores])


GPU = {"train_interval": "cuda", "extract_features": "cuda"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("training", "runtime"),
    [
        pytest.param(ADAM, {"threads": 2}, id="adam, two threads"),
        pytest.param(SGD, GPU, marks=cuda, id="sgd, a GPU"),
        pytest.param(ADAM, {"extract_features": "cuda"}, marks=cuda, id="adam, only the extraction on a GPU"),
    ],
)
def test_a_mixed_run_agrees_with_that_of_one_thread(tmp_path, monkeypatch, training, runtime):
    """Two threads add in another order than one, as a GPU does: sums round otherwise."""
    expected = results(tmp_path / "one", monkeypatch, training)
    require_agreement(results(tmp_path / "other", monkeypatch, training, **runtime), expected)


@pytest.mark.slow
@cuda
def test_adam_on_a_gpu_repeats_itself_and_is_as_accurate_as_on_the_cpu(tmp_path, monkeypatch):
    one, again = (results(tmp_path / name, monkeypatch, ADAM, **GPU) for name in ("one", "again"))
    assert all(one[0][path].identical(again[0][path]) for path in one[0])
    assert all(np.array_equal(one[1][path], again[1][path]) for path in one[1])
    assert abs(accuracy(one) - accuracy(results(tmp_path / "cpu", monkeypatch, ADAM))) <= ACCURACY


@pytest.mark.slow
def test_networks_of_other_seeds_do_not_agree(tmp_path, monkeypatch):
    """Negative control: the tolerance tells networks apart, which are as accurate as each other."""
    found = results(tmp_path / "one", monkeypatch, ADAM)
    one, other = (found[1][path] for path in found[1] if "interval-100/" in str(path) and "logits/eu" in str(path))
    assert (one != other).mean() > CHANGED
    seeds = [
        (store["prediction"] == store["label"]).mean()
        for path, store in found[0].items()
        if "interval-100/" in str(path) and "logits" in str(path)
    ]
    assert abs(seeds[0] - seeds[1]) <= 2 * ACCURACY
    assert accuracy(found) > 0.25 + 2 * ACCURACY


@pytest.mark.parametrize(("training", "least", "most"), [(SGD, 0.0, 1e-6), (ADAM, 1.0, 2.0)], ids=["sgd", "adam"])
def test_the_sign_of_a_rounded_gradient_decides_a_step_of_adam(training, least, most):
    """A gradient that is zero but for rounding, 1e-7 or -1e-7: first steps differ by hardly anything, or by two lr."""
    ends = []
    for gradient in (1e-7, -1e-7):
        network = torch.nn.Linear(1, 1, bias=False)
        torch.nn.init.zeros_(network.weight)
        network.weight.grad = torch.full((1, 1), gradient)
        make_optimizer(Settings(epochs=1, batch_size=1, **training), network).step()
        ends.append(network.weight.item())
    assert least <= abs(ends[0] - ends[1]) / training["lr"] <= most
