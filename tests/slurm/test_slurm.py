"""The workflow on SLURM: the same bytes as on one machine, whatever is killed or lost; more at the next attempt.

All of it goes on at once, because most of the time is waiting.
"""

import contextlib
import signal
import time

import psutil
import pytest
from killing import jobs
from on_cluster import OnCluster, small_project

pytestmark = pytest.mark.workflow

GREEDY = """
include: "rules/common.smk"


rule all:
    input:
        "results/large",
        "results/slow",
        "results/gpu",


rule hungry:
    output:
        "results/large",
    log:
        "results/logs/hungry.log",
    resources:
        mem_mb=per_attempt(400),
        runtime=5,
    shell:
        "python -c 'x = bytearray(500_000_000); import time; time.sleep(5)' 2> {log} && touch {output}"


rule slow:
    output:
        "results/slow",
    log:
        "results/logs/slow.log",
    resources:
        mem_mb=400,
        runtime=per_attempt(1),
    shell:
        "if mkdir results/slept 2> {log}; then sleep 300; fi; echo GPU ${{CUDA_VISIBLE_DEVICES:-none}} > {output}"


rule on_gpu:
    output:
        "results/gpu",
    log:
        "results/logs/on_gpu.log",
    resources:
        mem_mb=400,
        runtime=5,
        gpu=1,
    shell:
        "echo GPU ${{CUDA_VISIBLE_DEVICES:-none}} > {output} 2> {log}"
"""
"""Jobs that fail at the first attempt: one takes more than 400 MB, one more than a minute. One that asks for a GPU."""
OTHERS = ("_hungry", "_slow", "_on_gpu")
"""Ends of the names of these jobs in the queue."""


@pytest.fixture(scope="module")
def retries(cluster, tmp_path_factory):
    """A run of jobs that get too little at first and of one with a GPU, under way."""
    project = small_project(tmp_path_factory.mktemp("retries") / "project")
    (project.folder / "Snakefile").write_text(GREEDY)
    run = OnCluster(project, cluster, "--resources", "gpu=1")
    yield run
    run.close()


@pytest.fixture(scope="module")
def local(retries, tmp_path_factory):
    """The same study on this machine, with the seconds it took."""
    project = small_project(tmp_path_factory.mktemp("local") / "project")
    began = time.monotonic()
    run = project.snakemake()
    assert run.code == 0, run.output
    return project, len(run.computed), time.monotonic() - began


def suspended(project, verb):
    """Jobs of a verb, stopped where they stand; one that has just ended is none of them."""
    found = jobs(project, verb)
    for job in found:
        with contextlib.suppress(psutil.NoSuchProcess):
            job.suspend()
    return [job for job in found if job.is_running()]


@pytest.fixture(scope="module")
def disturbed(cluster, retries, local, tmp_path_factory):
    """A run that is killed during its training and resumed, and loses its node when features are extracted.

    The node goes when the job that gets too little time has ended: it shall fail for nothing else.
    """
    project = small_project(tmp_path_factory.mktemp("disturbed") / "project")
    first = OnCluster(project, cluster)
    first.wait_for(lambda: jobs(project, "train_interval"))
    [orphan_entry] = first.running("training")
    orphan = jobs(project, "train_interval")[0]
    orphan.send_signal(signal.SIGSTOP)
    first.kill()

    assert project.snakemake("--unlock").code == 0
    [left] = (project.folder / "results" / ".runs").iterdir()
    second = OnCluster(project, cluster)
    second.wait_for(lambda: not left.exists())
    orphan.send_signal(signal.SIGCONT)
    second.wait_for(lambda: not psutil.pid_exists(orphan.pid))

    second.wait_for(lambda: suspended(project, "extract_features"))
    lost = second.running("features")
    second.wait_for(lambda: any("TIMEOUT" in line for line in cluster.jobs()))
    cluster.lose_node()
    cluster.start_node()
    assert second.end() == 0, second.log.read_text()
    return project, second, orphan_entry, lost


def test_results_are_those_of_one_machine(disturbed, local, cluster, capsys):
    project, second, _, _ = disturbed
    alone, count, seconds = local
    expected = alone.results()
    assert project.results() == expected
    assert not list((project.folder / "results").glob(".scratch/*/out-*"))
    entries = [line.split() for line in cluster.jobs()]
    mine = {entry[-1] for entry in entries if not entry[-1].endswith(OTHERS)}
    with capsys.disabled():
        print(f"\n{count} jobs, {len(expected)} artifacts with the same bytes; here alone in {seconds:.0f} s,")
        print(f"on SLURM, after the kill, in {second.seconds:.0f} s; entries of the queue:", *sorted(mine), sep="\n  ")


def test_many_jobs_are_few_entries(disturbed, local, cluster):
    _, second, orphan, _ = disturbed
    entries = {line.split()[0] for line in set(cluster.jobs()) - second.known} - {orphan}
    grouped = [line for line in cluster.jobs() if line.split()[0] in entries and "rule_" in line]
    grouped = [line for line in grouped if not line.endswith(OTHERS)]
    assert len(grouped) < local[1] / 2


def test_a_job_of_a_killed_run_publishes_nothing(disturbed, cluster):
    state = {line.split()[0]: line.split()[1] for line in cluster.jobs()}
    assert state[disturbed[2]] == "FAILED"


def test_jobs_of_a_lost_node_went_back_into_the_queue(disturbed, cluster):
    state = {line.split()[0]: line.split()[1] for line in cluster.jobs()}
    assert disturbed[3]
    assert set(disturbed[3]) <= cluster.requeued()
    assert {state[entry] for entry in disturbed[3]} == {"COMPLETED"}


def test_a_killed_job_gets_more_memory_and_a_late_one_more_time(retries, disturbed, cluster):
    assert retries.end() == 0, retries.log.read_text()
    asked = cluster.run("squeue", "--states=all", "--noheader", "--format=%T %m %l %k").splitlines()
    rows = [line.split() for line in asked]
    assert [row[:2] for row in rows if "hungry" in row[-1]] == [["COMPLETED", "800M"], ["FAILED", "400M"]]
    assert [row[::2][:2] for row in rows if "slow" in row[-1]] == [["COMPLETED", "2:00"], ["TIMEOUT", "1:00"]]


def test_a_job_is_given_the_gpu_that_it_asks_for_and_others_none(retries, disturbed, cluster):
    assert retries.end() == 0, retries.log.read_text()
    given = {name: (retries.project.folder / "results" / name).read_text() for name in ("gpu", "slow")}
    assert given == {"gpu": "GPU 0\n", "slow": "GPU none\n"}
