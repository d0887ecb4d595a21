"""Jobs: exact keys, outputs whole or not there, restored when they were made before."""

import json
import signal
import subprocess
import sys

import numpy as np
import pytest

from workflow_lib import storage
from workflow_lib.errors import UserError
from workflow_lib.runner import digests, run
from workflow_lib.runner import job as runner_job
from workflow_lib.runner.braces import braces, expand
from workflow_lib.runner.fingerprint import code_fingerprint
from workflow_lib.runner.job import parse
from workflow_lib.runner.signature import PathArgument, signature

CODE = code_fingerprint("workflow_lib.steps.compute_kstar")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A working directory with a feature store of two classes."""
    import xarray as xr

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LATENT_ATLAS_CACHE", raising=False)
    features = xr.Dataset(
        {"features": (("sample", "feature"), np.array([[0.0], [1.0], [5.0], [6.0]], dtype="float32"))},
        coords={"sample": list("abcd"), "label": ("sample", [0, 0, 1, 1]), "class": ["low", "high"]},
    )
    storage.save(features, tmp_path / "results/features.zarr.zip")
    return tmp_path


def job(*, spec='{"metric":"euclidean"}', code=CODE, output="results/kstar.zarr.zip", **options):
    flags = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    files = ["--features", "results/features.zarr.zip", "--kstar", output]
    return parse(["compute-kstar", *files, "--spec", spec, "--code", code, "--device", "cpu", *flags])


def test_a_job_makes_its_output_and_says_where_it_came_from(project):
    run.run(job())
    assert storage.load(project / "results/kstar.zarr.zip")["kappa"].values.tolist() == [2, 2, 2, 2]
    record = json.loads((project / "results/provenance/kstar.zarr.zip.json").read_text())
    assert record["spec"] == {"metric": "euclidean"}
    assert record["inputs"] == {"features/0": "results/features.zarr.zip"}
    assert record["versions"]["numpy"] == np.__version__
    assert list((project / "results/.scratch").iterdir()) == []


def test_the_same_job_is_restored_and_not_computed(project, monkeypatch, capfd):
    run.run(job())
    first = (project / "results/kstar.zarr.zip").read_bytes()
    monkeypatch.setattr(run, "_compute", lambda *_: pytest.fail("computed again"))
    run.run(job(output="results/elsewhere.zarr.zip", threads=2))
    assert (project / "results/elsewhere.zarr.zip").read_bytes() == first
    assert "restored from the cache" in capfd.readouterr().err


@pytest.mark.parametrize("change", ["spec", "input"])
def test_another_spec_or_input_is_computed(project, monkeypatch, change):
    run.run(job())
    if change == "input":
        store = storage.load(project / "results/features.zarr.zip").load()
        storage.save(store * 2, project / "results/features.zarr.zip")
    computed = []
    monkeypatch.setattr(run, "_compute", lambda *args: computed.append(args) or {})
    run.run(job(spec='{"metric":"cosine"}' if change == "spec" else '{"metric":"euclidean"}'))
    assert len(computed) == 1


def test_a_step_that_fails_leaves_nothing_and_the_next_run_succeeds(project):
    with pytest.raises(UserError):
        run.run(job(spec='{"metric":"manhattan"}'))
    assert not (project / "results/kstar.zarr.zip").exists()
    run.run(job())
    assert (project / "results/kstar.zarr.zip").exists()


def test_code_that_changed_since_the_plan_is_refused(project):
    with pytest.raises(UserError, match="compute_kstar has changed since this job was planned"):
        run.run(job(code="0" * 12))


def test_mistakes_of_users_end_with_one_message_and_no_traceback(project):
    log = project / "job.log"
    code = run_in_child(["compute-kstar", "--features", "none.zarr.zip", "--kstar", "k.zarr.zip"], log)
    assert code == 1
    assert "none.zarr.zip" in log.read_text()
    assert "Traceback" not in log.read_text()


def run_in_child(arguments, log):
    """`main` sends the messages of its process to the log, so it gets one of its own."""

    common = ["--spec", '{"metric":"euclidean"}', "--code", CODE, "--log", str(log)]
    return subprocess.run([sys.executable, "-m", "workflow_lib", *arguments, *common], check=False).returncode


def test_hints_do_not_enter_the_key_and_inputs_do(project):
    files = ["--dataset", "results/features.zarr.zip", "--checkpoint", "c.pt", "--curve", "c.csv"]
    call = ["train-interval", *files, "--spec", "{}", "--code", "x", "--device", "cpu"]
    memory = digests.DigestMemory(project / "digests")
    alone = parse(call).key(memory)
    (project / "earlier.pt").write_bytes(b"1")
    assert parse([*call, "--previous", "earlier.pt"]).key(memory) == alone
    assert parse([*call[:-1], "cuda"]).key(memory) != alone


def test_digests_are_remembered_until_a_file_changes(tmp_path, monkeypatch):
    import os

    file = tmp_path / "data"
    file.write_text("one")
    os.utime(file, (1, 1))
    memory = digests.DigestMemory(tmp_path / "memory")
    first = memory.digest(file)
    with monkeypatch.context() as patched:
        patched.setattr(digests, "content_digest", lambda _: pytest.fail("read again"))
        assert memory.digest(file) == first
    file.write_text("two")
    os.utime(file, (2, 2))
    assert memory.digest(file) != first
    folder = tmp_path / "tree"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "x").write_text("1")
    before = memory.digest(folder)
    (folder / "a" / "x").rename(folder / "a" / "y")
    assert memory.digest(folder) != before


def test_signatures_are_read_from_the_source():
    step = signature("train_interval")
    assert step.context
    assert step.paths == (
        PathArgument("dataset", "input", many=False, optional=False),
        PathArgument("previous", "hint", many=False, optional=True),
        PathArgument("checkpoint", "output", many=False, optional=False),
        PathArgument("curve", "output", many=False, optional=False),
    )


def test_patterns_stand_for_paths_in_order():
    assert expand("a/b.csv") == ["a/b.csv"]
    assert expand("a-{0,1}/{x,y}.csv") == ["a-0/x.csv", "a-0/y.csv", "a-1/x.csv", "a-1/y.csv"]
    assert braces([7]) == "7"
    assert expand(f"seed-{braces(range(3))}") == ["seed-0", "seed-1", "seed-2"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_job_at_once_and_without_litter(project, number):
    script = """
import os, signal, weakref
from pathlib import Path
from workflow_lib.files import atomic
from workflow_lib.runner import run

class Thing: ...

def step(job):
    thing = Thing()
    # Exceptions in such callbacks are lost.
    reference = weakref.ref(thing, lambda _: os.kill(os.getpid(), signal.Signals({number})))
    with atomic(Path("results/out.csv")) as scratch:
        scratch.write_text("half")
        del thing
        while True:
            pass

run.run = step
run.main({arguments})
"""
    arguments = ["compute-kstar", "--features", "f", "--kstar", "k", "--spec", "{}", "--code", "x"]
    before = sorted(project.rglob("*"))
    done = subprocess.run(
        [sys.executable, "-c", script.format(number=int(number), arguments=arguments)], check=False, timeout=60
    )
    assert done.returncode == 128 + number
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize(
    ("driver", "version", "visible", "expected"),
    [
        (True, "2.13.0", None, "cuda"),
        (True, "2.13.0", "-1", "cpu"),
        (True, "2.13.0+cpu", None, "cpu"),
        (False, "2.13.0", None, "cpu"),
    ],
)
def test_auto_takes_a_gpu_only_where_torch_can_use_it(tmp_path, monkeypatch, driver, version, visible, expected):
    from importlib import metadata

    monkeypatch.setattr(runner_job, "GPU", tmp_path if driver else tmp_path / "none")
    monkeypatch.setattr(metadata, "version", lambda _: version)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    files = ["--features", "f", "--kstar", "k", "--spec", "{}", "--code", "x"]
    assert parse(["compute-kstar", *files]).device == expected
    assert parse(["compute-kstar", *files, "--device", "cpu"]).device == "cpu"
