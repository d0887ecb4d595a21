"""Networks trained and features extracted on another device, k* computed on the CPU: what is allowed to differ."""

from pathlib import Path

import numpy as np
import pytest
import torch
from estimate_cases import planned

from workflow_lib.io import storage
from workflow_lib.plan import targets
from workflow_lib.plan.jobs import upstream
from workflow_lib.runner.run import run

SAME = 1e-4
"""Largest difference of features, relative to the largest value, after the four epochs of the miniature."""
CHANGED = 0.01
"""Largest share of samples with another k*."""
NETWORK = ("train_interval", "extract_features")

pytestmark = pytest.mark.slow
cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def results(folder, monkeypatch, device, threads):
    """Features and k* of all networks of the miniature, by path."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LATENT_ATLAS_CACHE", raising=False)
    plan = planned()
    for job in upstream(plan, targets.default(plan)):
        if job.verb in NETWORK:
            run(job.run(plan, device)._replace(threads=threads))
        elif job.verb in ("prepare_dataset", "compute_kstar"):
            run(job.run(plan, "cpu"))
    return {
        kind: {path: storage.load(path)[name].values for path in sorted(Path("results", kind).rglob("*.zarr.zip"))}
        for kind, name in (("features", "features"), ("kstar", "kappa"))
    }


@pytest.mark.parametrize(
    ("device", "threads"), [("cpu", 2), pytest.param("cuda", 1, marks=cuda)], ids=["two threads", "a GPU"]
)
def test_a_mixed_run_agrees_with_that_of_one_thread(tmp_path, monkeypatch, device, threads):
    """Two threads add in another order than one, as a GPU does: sums round otherwise, trainings move apart."""
    expected = results(tmp_path / "one", monkeypatch, "cpu", 1)
    found = results(tmp_path / "other", monkeypatch, device, threads)
    assert len(expected["features"]) == 12
    assert len(expected["kstar"]) == 16
    for path, features in expected["features"].items():
        assert np.abs(found["features"][path] - features).max() <= SAME * np.abs(features).max()
    for path, kappa in expected["kstar"].items():
        assert (found["kstar"][path] != kappa).mean() <= CHANGED


def test_networks_of_other_seeds_do_not_agree(tmp_path, monkeypatch):
    """Negative control: the tolerance tells networks apart."""
    found = results(tmp_path / "one", monkeypatch, "cpu", 1)
    one, other = (
        found["kstar"][path] for path in found["kstar"] if "interval-100/" in str(path) and "logits/eu" in str(path)
    )
    assert (one != other).mean() > CHANGED
