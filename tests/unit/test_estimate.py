"""What a run would cost, from the records of former jobs."""

import json
from pathlib import Path

import pytest

from workflow_lib.config.load import load
from workflow_lib.config.yaml_file import read_mapping
from workflow_lib.plan import estimate
from workflow_lib.plan.jobs import default_targets, job_of
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.records import record_path
from workflow_lib.runner.digests import DigestMemory

MINIATURE = Path(__file__).resolve().parents[2] / "configs" / "miniature.yaml"


@pytest.fixture
def plan(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Plan(load(read_mapping(MINIATURE), "miniature"), DigestMemory(tmp_path / "digests"))


def done(plan, path, seconds, size=1000, device="cpu", threads=1):
    """Put an artifact in its place, with the record of a job that made it as the plan has it."""
    job = job_of(plan, path)
    run = job.run(plan, device)
    unit = run.units[0]
    record = {
        "verb": job.verb,
        "spec": unit.spec,
        "code": run.code,
        "inputs": {f"any/{i}": text for i, text in enumerate(job.needs)},
        "key": "k",
        "device": device,
        "versions": {},
        "seconds": seconds,
        "threads": threads,
    }
    for artifact in job.makes:
        for file in (Path(artifact), record_path(artifact)):
            file.parent.mkdir(parents=True, exist_ok=True)
        Path(artifact).write_bytes(b"." * size)
        record_path(artifact).write_text(json.dumps(record))


KSTAR = "results/kstar/digits_cnn/seed-{}/interval-{}/test/original/{}/euclidean.zarr.zip"


def test_without_records_the_table_is_taken(plan):
    costs = estimate.estimate(plan)
    seconds, size = estimate.TABLE["compute_kstar"]
    cost = costs["compute_kstar"]
    assert (cost.jobs, cost.running) == (16, 16)
    assert cost.cpu == pytest.approx(16 * seconds)
    assert cost.size == pytest.approx(16 * size)
    assert "table" in next(iter(cost.sources))
    assert sum(cost.jobs for cost in costs.values()) == 44


def test_every_verb_has_a_cost(plan):
    for cost in estimate.estimate(plan, [*default_targets(plan)]).values():
        assert cost.cpu > 0
        assert cost.size > 0


def test_former_jobs_on_the_same_data_give_the_rate(plan):
    done(plan, KSTAR.format(0, 25, "early"), seconds=10.0, size=500)
    done(plan, KSTAR.format(0, 50, "early"), seconds=20.0, size=1500, threads=2)
    rate = estimate.rate_of(job_of(plan, KSTAR.format(1, 100, "logits")), estimate.former_jobs(estimate.RECORDS))
    assert (rate.cpu, rate.gpu, rate.size) == (25.0, 0.0, 1000.0)
    assert "same data" in rate.source


def test_time_on_a_gpu_is_counted_apart(plan):
    done(plan, "results/checkpoints/digits_cnn/seed-0/interval-25.pt", seconds=30.0, device="cuda", threads=4)
    job = job_of(plan, "results/checkpoints/digits_cnn/seed-1/interval-25.pt")
    rate = estimate.rate_of(job, estimate.former_jobs(estimate.RECORDS))
    assert (rate.cpu, rate.gpu) == (120.0, 30.0)


def test_other_data_count_only_where_there_are_no_same(plan):
    job = job_of(plan, KSTAR.format(0, 25, "early"))
    other = estimate.Rate(99.0, 0.0, 1.0, "")
    assert estimate.rate_of(job, {"compute_kstar": {frozenset({"letters"}): [other]}}).cpu == 99.0
    same = estimate.Rate(1.0, 0.0, 1.0, "")
    known = {"compute_kstar": {frozenset({"letters"}): [other], frozenset({"digits_cnn"}): [same]}}
    assert estimate.rate_of(job, known).cpu == 1.0


@pytest.mark.parametrize("damage", ["", "[]", "{}", '{"seconds": "x"}', '{"verb": "compute_kstar", "seconds": 1}'])
def test_damaged_records_are_left_out(plan, damage):
    path = KSTAR.format(0, 25, "early")
    done(plan, path, seconds=10.0)
    record_path(path).write_text(damage)
    assert not estimate.former_jobs(estimate.RECORDS)


def test_the_table_adds_up(plan):
    lines = estimate.describe(estimate.estimate(plan)).splitlines()
    assert lines[0].split()[:2] == ["stage", "jobs"]
    assert lines[-1].split()[:3] == ["all", "44", "44"]


def test_the_command_tells_a_wrong_config(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text("modells: {}\n")
    assert estimate.main([]) == 1
    assert "modells" in capsys.readouterr().err


def test_the_command_prints_a_table(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert estimate.main(["--config", str(MINIATURE)]) == 0
    assert "train_interval" in capsys.readouterr().out
    assert not Path("results", "checkpoints").exists()
