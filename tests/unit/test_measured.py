"""What this machine needs for a little of each kind of work, and what follows for jobs."""

import time

import numpy as np
import pytest
from estimate_cases import MIXED, job_like, planned

from workflow_lib.models.registry import build
from workflow_lib.plan import measured, targets, trials
from workflow_lib.plan.costs import MEASURABLE
from workflow_lib.plan.estimate import describe, estimate, unmeasured
from workflow_lib.plan.jobs import upstream
from workflow_lib.runner.run import run

PROTOTYPES = {"studies": {"sure": {"model": "digits_cnn", "interval": [100], "steps": 50}}}


@pytest.fixture
def plan(tmp_path, monkeypatch):
    """A plan whose data set has been prepared."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LATENT_ATLAS_CACHE", raising=False)
    plan = planned(confusion=MIXED, prototypes=PROTOTYPES)
    run(job_like(plan, "prepare_dataset").run(plan, "cpu"))
    return plan


@pytest.fixture
def second(monkeypatch):
    """Let each unit of work take a second."""

    def seconds(work):
        work()
        return 1.0

    monkeypatch.setattr(trials, "_seconds", seconds)


def cost(plan, verb):
    return measured.Measurements(plan, "cpu").cost(job_like(plan, verb))


def test_a_training_is_a_second_for_each_two_batches(plan, second):
    """The miniature trains on 80 images, 16 in a batch; two batches are measured."""
    interval = job_like(plan, "train_interval")
    model, percent = interval.wildcards["model"], int(interval.wildcards["interval"])
    (before,) = plan.previous(model, percent)
    found = cost(plan, "train_interval")
    assert found.cpu == pytest.approx(80 / 32 * 4 * (percent - before) / 100)
    assert found.gpu == 0
    assert cost(plan, "train_replicates").cpu == pytest.approx(80 / 32 * 4 * 3)


def test_a_stage_takes_all_epochs_on_its_part_of_the_images(second, plan):
    by_data = planned(intervals_of="data")
    jobs = [job for job in upstream(by_data, targets.default(by_data)) if job.verb == "train_interval"][:3]
    measurements = measured.Measurements(by_data, "cpu")
    assert [measurements.cost(job).cpu for job in jobs] == pytest.approx(
        [80 / 32 * 4 * share for share in (0.25, 0.5, 1)]
    )


def test_a_checkpoint_holds_weights_and_both_moments_of_adam(plan, second):
    network = build("small_cnn", in_channels=1, image_size=(8, 8), n_classes=4, seed=0)
    weights = sum(parameter.numel() for parameter in network.parameters())
    assert cost(plan, "train_interval").size == pytest.approx(3 * 4 * weights, rel=0.02)


def test_features_are_floats_of_all_layers(plan, second):
    job = job_like(plan, "extract_features")
    images = 48 if "/test" in job.name else 80
    found = measured.Measurements(plan, "cpu").cost(job)
    assert found.size == images * 4 * (32 + 4)  # maps of conv1, averaged, and logits
    assert found.cpu == pytest.approx(images / min(images, trials.IMAGES))


def test_prototypes_take_all_steps_of_all_pairs(plan, second):
    found = cost(plan, "make_prototypes")
    assert found.cpu == pytest.approx(50.0)  # 16 images are one batch
    assert "as many steps" in found.source
    assert cost(plan, "attack_prototypes").cpu == pytest.approx(50.0)  # 4 images, 4 passes for each step
    assert cost(plan, "find_boundaries").cpu == pytest.approx(12 / 16 * measured.LOOKS)


def test_a_network_is_measured_once(plan, monkeypatch):
    calls = []
    monkeypatch.setattr(trials, "training", lambda *_: calls.append(1) or (1.0, 1.0))
    measurements = measured.Measurements(plan, "cpu")
    jobs = [job for job in upstream(plan, targets.default(plan)) if job.verb == "train_interval"]
    assert all(measurements.cost(job) for job in jobs)
    assert (len(jobs), len(calls)) == (6, 1)


def test_kstar_grows_with_the_square_of_the_samples(plan, second, monkeypatch):
    job = job_like(plan, "compute_kstar")
    images = 48 if "/test" in job.name else 80
    measurements = measured.Measurements(plan, "cpu")
    assert measurements.cost(job).cpu == pytest.approx(1.0)
    monkeypatch.setattr(trials, "SAMPLES", 10)
    assert measured.Measurements(plan, "cpu").cost(job).cpu == pytest.approx((images / 10) ** 2)


def test_data_of_known_size_need_not_be_there(tmp_path, monkeypatch, plan, second):
    """The digits of the miniature, by the config alone: 20 and 12 of each of four classes."""
    there = {verb: cost(plan, verb) for verb in MEASURABLE}
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    assert {verb: cost(plan, verb) for verb in MEASURABLE} == there


def test_what_cannot_be_measured_has_no_cost(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    unknown = {"digits": {"source": "arrays", "train": "train.npz", "test": "test.npz"}}
    plan = planned(confusion=MIXED)
    assert cost(plan, "compute_map") is None
    for file in unknown["digits"]["train"], unknown["digits"]["test"]:
        (tmp_path / file).touch()
    plan = planned(datasets=unknown)
    assert [cost(plan, verb) for verb in ("train_interval", "extract_features", "compute_kstar")] == [None] * 3
    table = describe(estimate(plan, measure=measured.Measurements(plan, "cpu").cost)).splitlines()
    rows = {line.split("  ")[0].strip(): line for line in table}
    assert rows["train_interval"].split()[3:6] == ["?", "?", "?"]
    assert rows["all"].count(" + ?") == 3
    command = "latent-atlas run --configfile my.yaml results/datasets/digits/train.zarr.zip"
    assert unmeasured(plan, ["--configfile", "my.yaml"]).endswith(f"prepare the data: {command}")


def test_imported_features_have_to_be_there(tmp_path, monkeypatch, second):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    np.savez("rows.npz", features=rng.random((30, 4)), labels=np.arange(30) % 3)
    study = {"title": "Rows", "features": "rows", "metric": "cityblock"}
    plan = planned(
        datasets={"rows": {"source": "features", "path": "rows.npz"}}, models={}, kstar={"studies": {"rows": study}}
    )
    assert cost(plan, "compute_kstar") is None
    assert "results/features/imported/rows.zarr.zip" in unmeasured(plan)
    run(job_like(plan, "import_features").run(plan, "cpu"))
    assert cost(plan, "compute_kstar").cpu == pytest.approx(1.0)
    assert unmeasured(plan) == ""


def test_times_are_those_of_this_machine(plan):
    found = measured.Measurements(plan, "cpu").cost(job_like(plan, "train_interval"))
    began = time.perf_counter()
    run(job_like(plan, "train_interval").run(plan, "cpu"))  # with what it takes to begin
    assert 0 < found.cpu < 2 * (time.perf_counter() - began)
