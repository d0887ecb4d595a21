"""GPUs that are lent to jobs, with a stand-in for nvidia-smi: no GPU is needed."""

import os
import subprocess
import sys
import time

import pytest

from workflow_lib.code.signature import signature
from workflow_lib.errors import UserError
from workflow_lib.runner import gpus, job
from workflow_lib.runner.job import STEPS

SMI = """#!/bin/sh
cat "{table}"
"""
EMPTY = "0, GPU-aaa, 80000, 79500\n1, GPU-bbb, 80000, 79400\n"

HOLD = """
import os, sys, time
from pathlib import Path
from workflow_lib.runner import gpus
with gpus.lent("cuda"):
    Path(sys.argv[1]).write_text(os.environ["CUDA_VISIBLE_DEVICES"])
    while not Path(sys.argv[2]).exists():
        time.sleep(0.02)
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with two empty GPUs; gives the file that says what nvidia-smi tells."""
    table = tmp_path / "gpus.csv"
    table.write_text(EMPTY)
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text(SMI.format(table=table))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in (gpus.VISIBLE, gpus.LISTED, gpus.SHARED, "SLURM_JOB_ID", "SLURM_STEP_ID"):
        monkeypatch.delenv(name, raising=False)
    yield table
    monkeypatch.setattr("tempfile.tempdir", None)


def numbers():
    return [gpu.number for gpu in gpus.visible_gpus()]


def take(stack):
    """UUID of the GPU on which a place is taken until the stack closes; None where all are taken."""
    gpu = gpus._take(gpus.jobs_per_gpu(), stack)
    return gpu.uuid if gpu else None


@pytest.fixture
def stack():
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield stack


def test_all_are_visible_that_the_environment_does_not_hide(machine, monkeypatch):
    assert numbers() == ["0", "1"]
    monkeypatch.setenv(gpus.VISIBLE, "1")
    assert numbers() == ["1"]
    monkeypatch.setenv(gpus.VISIBLE, "GPU-aa")
    assert numbers() == ["0"]
    monkeypatch.setenv(gpus.VISIBLE, "MIG-123")
    assert numbers() == []


@pytest.mark.parametrize("hidden", ["", "-1", "NoDevFiles"])
def test_hidden_gpus_are_not_taken(machine, monkeypatch, hidden):
    monkeypatch.setenv(gpus.VISIBLE, hidden)
    assert numbers() == []
    assert gpus.places() is None


def test_the_user_says_which_gpus_jobs_may_take(machine, monkeypatch):
    monkeypatch.setenv(gpus.LISTED, "1")
    assert numbers() == ["1"]
    assert gpus.places() == 1


@pytest.mark.parametrize("listed", ["7", "", "GPU-c"])
def test_a_list_without_any_gpu_of_this_machine_is_refused(machine, monkeypatch, listed):
    monkeypatch.setenv(gpus.LISTED, listed)
    for ask in (gpus.places, gpus.lent("cuda").__enter__):
        with pytest.raises(UserError, match=r"LATENT_ATLAS_GPUS.*\n.*0 \(GPU-aaa\), 1 \(GPU-bbb\)"):
            ask()


def test_a_machine_without_gpus_limits_nothing(machine, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert gpus.places() is None
    with gpus.lent("cuda"):
        assert gpus.VISIBLE not in os.environ


def test_a_job_of_slurm_without_gpus_takes_none(machine, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    assert gpus.hidden()
    assert gpus.places() == 0


def test_a_job_of_slurm_asks_for_gpus_and_its_step_for_places(machine, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "7")
    monkeypatch.setenv(gpus.VISIBLE, "0")
    monkeypatch.setenv(gpus.SHARED, "3")
    assert gpus.places() == 1
    monkeypatch.setenv("SLURM_STEP_ID", "0")
    assert gpus.places() == 3


def test_jobs_spread_before_they_share(machine, monkeypatch, stack):
    monkeypatch.setenv(gpus.SHARED, "2")
    assert [take(stack) for _ in range(5)] == ["GPU-aaa", "GPU-bbb", "GPU-aaa", "GPU-bbb", None]


def test_a_place_is_free_again_afterwards(machine, monkeypatch, stack):
    monkeypatch.setenv(gpus.LISTED, "0")
    assert take(stack) == "GPU-aaa"
    assert take(stack) is None
    stack.close()
    assert take(stack) == "GPU-aaa"


def test_no_job_lands_on_a_gpu_that_others_use(machine, stack):
    machine.write_text("0, GPU-aaa, 80000, 60000\n1, GPU-bbb, 80000, 79400\n")
    assert [take(stack), take(stack)] == ["GPU-bbb", None]


def test_jobs_share_what_memory_is_left(machine, monkeypatch, stack):
    machine.write_text("0, GPU-aaa, 80000, 30000\n1, GPU-bbb, 80000, 10000\n")
    monkeypatch.setenv(gpus.SHARED, "4")
    assert take(stack) == "GPU-aaa"
    monkeypatch.setenv(gpus.SHARED, "2")
    assert take(stack) is None


def test_a_cpu_job_takes_no_place(machine, stack):
    with gpus.lent("cpu"):
        assert gpus.VISIBLE not in os.environ
        assert [take(stack), take(stack)] == ["GPU-aaa", "GPU-bbb"]


def test_processes_get_different_gpus_and_wait_for_the_third(machine, tmp_path):
    def hold(name):
        return subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / name), str(tmp_path / "end")])

    jobs = [hold("first"), hold("second")]
    wait_for(tmp_path / "first", tmp_path / "second")
    third = hold("third")
    time.sleep(1)
    assert {(tmp_path / name).read_text() for name in ("first", "second")} == {"GPU-aaa", "GPU-bbb"}
    assert not (tmp_path / "third").exists()
    jobs[0].kill()  # its place ends with it
    wait_for(tmp_path / "third")
    assert (tmp_path / "third").read_text() == (tmp_path / "first").read_text()
    (tmp_path / "end").touch()
    assert [job.wait(20) for job in (*jobs, third)] == [-9, 0, 0]


def wait_for(*files):
    latest = time.monotonic() + 30
    while not all(file.exists() and file.read_text() for file in files):
        assert time.monotonic() < latest
        time.sleep(0.05)


@pytest.mark.parametrize("number", ["0", "-1", "two", "1.5", ""])
def test_a_wrong_number_of_jobs_is_told(machine, monkeypatch, number):
    monkeypatch.setenv(gpus.SHARED, number)
    with pytest.raises(UserError, match="LATENT_ATLAS_JOBS_PER_GPU"):
        gpus.places()


VERBS = sorted(file.stem for file in STEPS.glob("[a-z]*_*.py"))
ON_GPU = (
    *("check_network", "train_", "extract_", "make_", "attack_", "find_boundaries"),
    *("compute_kstar", "compute_dissimilarity", "transform_dataset", "encode_texts"),
)


@pytest.mark.parametrize("verb", VERBS)
def test_only_steps_that_compute_on_a_gpu_are_lent_one(monkeypatch, verb):
    monkeypatch.setattr(job, "_device", lambda wish: "cuda")
    flags = [text for argument in signature(verb).paths for text in (f"--{argument.name.replace('_', '-')}", "x")]
    parsed = job.parse([verb.replace("_", "-"), *flags, "--spec", "{}", "--code", "x"])
    assert parsed.device == ("cuda" if verb.startswith(ON_GPU) else "cpu")
