"""What a run would cost, from the records of former jobs."""

import json
from pathlib import Path

import pytest
from estimate_cases import MIXED, job_like, planned

from workflow_lib.plan import costs, estimate, targets
from workflow_lib.plan.jobs import job_of
from workflow_lib.runner.records import record_path


def record_of(artifact):
    return record_path(Path(artifact), Path("results"))


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return planned()


def done(plan, path, seconds, size=1000, device="cpu", threads=1):
    """Put an artifact in its place, with the record of a job that made it as the plan has it."""
    job = job_of(plan, path)
    run = job.run(plan, device)
    unit = run.units[0]
    record = {
        "verb": job.verb,
        "spec": unit.spec,
        "code": run.code,
        "inputs": {f"any/{i}": text for i, text in enumerate(job.reads)},
        "key": "k",
        "device": device,
        "versions": {},
        "seconds": seconds,
        "threads": threads,
    }
    for artifact in job.makes:
        for file in (Path(artifact), record_of(artifact)):
            file.parent.mkdir(parents=True, exist_ok=True)
        Path(artifact).write_bytes(b"." * size)
        record_of(artifact).write_text(json.dumps(record))


CHECKPOINT = "results/checkpoints/digits_cnn/seed-0/interval-25.pt"
KSTAR = "results/kstar/digits_cnn/digits/seed-{}/interval-{}/test/original/{}/euclidean.zarr.zip"


def by_records(plan, path):
    return costs.cost_by_records(plan, job_of(plan, path), costs.former_jobs(Path("results")), same=True)


def test_without_records_the_table_is_taken(plan):
    stages = estimate.estimate(plan)
    seconds, size = costs.TABLE["compute_kstar"]
    cost = stages["compute_kstar"]
    assert (cost.jobs, cost.running) == (16, 16)
    assert cost.cpu == pytest.approx(16 * seconds)
    assert cost.size == pytest.approx(16 * size)
    assert "table" in next(iter(cost.sources))
    assert sum(cost.jobs for cost in stages.values()) == 47


def test_every_verb_has_a_cost(plan):
    for cost in estimate.estimate(plan, [*targets.default(plan)]).values():
        assert cost.cpu > 0
        assert cost.size > 0


def test_former_jobs_on_the_same_data_give_the_cost(plan):
    done(plan, KSTAR.format(0, 25, "early"), seconds=10.0, size=500)
    done(plan, KSTAR.format(0, 50, "early"), seconds=20.0, size=1500, threads=2)
    cost = by_records(plan, KSTAR.format(1, 100, "logits"))
    assert (cost.cpu, cost.gpu, cost.size) == (25.0, 0.0, 1000.0)
    assert "same data" in cost.source


def test_collecting_takes_longer_with_more_trainings():
    def seconds(pairs):
        study = MIXED["studies"]["mixed"] | {"pairs": pairs}
        return estimate.estimate(planned(confusion={"studies": {"mixed": study}}))["collect_confusion"].cpu

    assert seconds({"sample": 5}) == pytest.approx(3 * seconds([["0", "1"]]))  # 6 and 2 with the baseline


def test_time_on_a_gpu_is_counted_apart(plan):
    done(plan, "results/checkpoints/digits_cnn/seed-0/interval-25.pt", seconds=30.0, device="cuda", threads=4)
    cost = by_records(plan, "results/checkpoints/digits_cnn/seed-1/interval-25.pt")
    assert (cost.cpu, cost.gpu) == (pytest.approx(120.0), pytest.approx(30.0))


def test_other_epochs_cost_in_proportion(plan):
    done(plan, CHECKPOINT, seconds=30.0)
    assert by_records(plan, CHECKPOINT).cpu == pytest.approx(30.0)
    assert by_records(planned(epochs=12), CHECKPOINT).cpu == pytest.approx(90.0)


def test_stages_on_growing_data_cost_in_proportion_to_their_images(plan):
    """Records of trainings on all images say nothing of them: those do not tell how much of a training was done."""
    done(plan, CHECKPOINT, seconds=30.0)
    by_data, whole = planned(intervals_of="data"), CHECKPOINT.replace("25", "100")
    assert by_records(by_data, CHECKPOINT) is None
    done(by_data, CHECKPOINT.replace("25", "50"), seconds=30.0)
    assert by_records(by_data, whole).cpu == pytest.approx(60.0)
    assert costs.cost_by_table(by_data, job_of(by_data, whole)).cpu == pytest.approx(4 * 0.4)


def test_each_of_several_outputs_costs_its_share(plan):
    plan = planned(confusion=MIXED)
    job = job_like(plan, "train_replicates")
    known = {"train_replicates": {costs.subject(job.reads, Path("results")): [costs.Cost(2.0, 0.0, 100.0, "")]}}
    cost = costs.cost_by_records(plan, job, known, same=True)
    assert (cost.cpu, cost.size) == (pytest.approx(3 * 4 * 2.0), pytest.approx(3 * 100.0))


def test_same_data_come_before_measurements_and_these_before_other_data(plan):
    job = job_of(plan, KSTAR.format(0, 25, "early"))
    other = costs.Cost(99.0, 0.0, 1.0, "")
    known = {"compute_kstar": {frozenset({"letters"}): [other]}}
    assert costs.cost_by_records(plan, job, known, same=True) is None
    assert costs.cost_by_records(plan, job, known, same=False).cpu == 99.0
    measured = estimate.estimate(plan, measure=lambda _: costs.Cost(7.0, 0.0, 1.0, "measured"))
    assert {source for stage in measured.values() for source in stage.sources} == {"measured"}
    done(plan, KSTAR.format(0, 25, "early"), seconds=10.0)
    measured = estimate.estimate(plan, measure=lambda _: costs.Cost(7.0, 0.0, 1.0, "measured"))
    assert [*measured["compute_kstar"].sources] == ["former jobs on the same data"]


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"seconds": "x"}', '{"verb": "compute_kstar", "seconds": 1}'])
def test_damaged_records_are_left_out(plan, damage):
    path = KSTAR.format(0, 25, "early")
    done(plan, path, seconds=10.0)
    record_of(path).write_text(damage)
    assert not costs.former_jobs(Path("results"))


def test_the_table_adds_up(plan):
    lines = estimate.describe(estimate.estimate(plan)).splitlines()
    assert lines[0].split()[:2] == ["stage", "jobs"]
    assert lines[-1].split()[:3] == ["all", "47", "47"]
