"""Jobs: exact keys, outputs whole or not there, restored when they were made before."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from runner_cases import CODE, job

from workflow_lib.cache import digests
from workflow_lib.code.fingerprint import code_fingerprint
from workflow_lib.code.signature import PathArgument, signature
from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.io.braces import braces, expand
from workflow_lib.runner import job as runner_job
from workflow_lib.runner import run
from workflow_lib.runner.job import parse


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


def keys(job):
    digest = {name: digests.content_digest(path) for name, path in job.files("input").items()}
    return [job.key(unit, digest) for unit in job.units]


def test_hints_do_not_enter_the_key_and_inputs_do(project):
    files = ["--dataset", "results/features.zarr.zip", "--checkpoint", "c.pt", "--curve", "c.csv"]
    call = ["train-interval", *files, "--spec", "{}", "--code", "x", "--device", "cpu"]
    before = keys(parse(call))
    assert keys(parse([*call, "--previous", "earlier.pt"])) == keys(parse(call))
    assert keys(parse([*call[:-1], "cuda"])) != keys(parse(call))
    (project / "results/features.zarr.zip").write_bytes(b"other")
    assert keys(parse(call)) != before


def test_digests_are_remembered_until_a_file_changes(tmp_path, monkeypatch):
    file = tmp_path / "data"
    file.write_text("one")
    monkeypatch.setattr(digests, "RACY_SECONDS", -1.0)
    memory = digests.DigestMemory(tmp_path / "memory")
    first = memory.digest(file)
    with monkeypatch.context() as patched:
        patched.setattr(digests, "content_digest", lambda _: pytest.fail("read again"))
        assert memory.digest(file) == first
    written = file.stat().st_mtime_ns
    time.sleep(0.02)  # beyond one tick of the file system's clock
    file.write_text("two")
    os.utime(file, ns=(written, written))
    assert memory.digest(file) != first
    folder = tmp_path / "tree"
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "x").write_text("1")
    before = memory.digest(folder)
    (folder / "a" / "x").rename(folder / "a" / "y")
    assert memory.digest(folder) != before


@pytest.mark.parametrize("restored", [False, True])
def test_the_digest_of_an_output_in_place_is_known_until_it_is_written_to(project, monkeypatch, restored):
    run.run(job())
    if restored:
        (project / "results/kstar.zarr.zip").unlink()
        run.run(job())
    memory, output = digests.DigestMemory(project / "results/.cache/digests"), project / "results/kstar.zarr.zip"
    digest = digests.content_digest(output)
    with monkeypatch.context() as patched:
        patched.setattr(digests, "content_digest", lambda _: pytest.fail("read again"))
        assert memory.digest(output) == digest
    time.sleep(0.02)  # beyond one tick of the file system's clock
    output.write_bytes(output.read_bytes()[::-1])
    assert memory.digest(output) == digests.content_digest(output) != digest


def test_an_output_that_another_job_replaces_at_once_is_not_taken_for_our_own(project, monkeypatch):
    output, replace = project / "results/kstar.zarr.zip", Path.replace

    def replace_twice(source, target):
        replace(source, target)
        if target.name == output.name and target.parent.name == "results":
            (project / "other").write_bytes(b"of another job")
            replace(project / "other", output)

    monkeypatch.setattr(Path, "replace", replace_twice)
    run.run(job())
    memory = digests.DigestMemory(project / "results/.cache/digests")
    assert memory.digest(output) == digests.content_digest(output)


def test_an_output_without_checksums_of_its_own_is_read_for_its_digest(project, monkeypatch):
    run.run(job(output="results/kstar.csv"))
    read = []
    monkeypatch.setattr(digests, "content_digest", lambda path: read.append(path.name))
    digests.DigestMemory(project / "results/.cache/digests").digest(project / "results/kstar.csv")
    assert read == ["kstar.csv"]


def test_signatures_are_read_from_the_source():
    step = signature("train_interval")
    assert step.context
    assert step.paths == (
        PathArgument("dataset", "input", many=False, optional=False),
        PathArgument("weights", "input", many=False, optional=True),
        PathArgument("former", "input", many=False, optional=True),
        PathArgument("previous", "hint", many=False, optional=True),
        PathArgument("checkpoint", "output", many=False, optional=False),
        PathArgument("curve", "output", many=False, optional=False),
    )


def test_a_list_of_inputs_may_be_omitted_or_empty_only_if_the_step_says_so():
    files = [f"--{name}=results/{name}.csv" for name in ("class-pairs", "measures", "correlations")]
    about = ["--spec", "{}", "--code", CODE, "--device", "cpu"]
    found = parse(["tabulate-relations", "--kstar", "results/a-{0,1}.zarr.zip", "--sets", *files, *about])
    assert [len(found.paths[name]) for name in ("kstar", "sets", "effects")] == [2, 0, 0]
    with pytest.raises(SystemExit):
        parse(["tabulate-kstar", "--kstar", *about])


def test_patterns_stand_for_paths_in_order():
    assert expand("a/b.csv") == ["a/b.csv"]
    assert expand("a-{0,1}/{x,y}.csv") == ["a-0/x.csv", "a-0/y.csv", "a-1/x.csv", "a-1/y.csv"]
    assert braces([7]) == "7"
    assert expand(f"seed-{braces(range(3))}") == ["seed-0", "seed-1", "seed-2"]


@pytest.mark.parametrize(
    ("driver", "version", "visible", "expected"),
    [
        (True, "2.13.0", None, "cuda"),
        (True, "2.13.0", "-1", "cpu"),
        (True, "2.13.0+cpu", None, "cpu"),
        (True, "", None, "cpu"),
        (False, "2.13.0", None, "cpu"),
    ],
)
def test_auto_takes_a_gpu_only_where_torch_can_use_it(tmp_path, monkeypatch, driver, version, visible, expected):
    monkeypatch.setattr(runner_job, "GPU", tmp_path if driver else tmp_path / "none")
    monkeypatch.setattr(runner_job, "installed_version", lambda _: version)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    files = ["--features", "f", "--kstar", "k", "--spec", "{}", "--code", "x"]
    assert parse(["compute-kstar", *files]).device == expected
    assert parse(["compute-kstar", *files, "--device", "cpu"]).device == "cpu"


class Layers:
    """Stands for the step of features: writes each layer's settings, and remembers which it was asked for."""

    def __init__(self):
        self.asked = []

    def extract_features(self, *, spec, checkpoint, dataset, features, context):
        self.asked.append(sorted(spec["layers"]))
        for path in features:
            path.write_text(checkpoint.read_text() + spec["layers"][path.name.partition(".")[0]])


@pytest.fixture
def extract(project, monkeypatch):
    """Runs a job of several layers; gives the layers that were computed and the content of all files."""
    for name in ("checkpoint", "dataset"):
        (project / f"{name}.bin").write_text(name)

    def call(**layers):
        steps = Layers()
        monkeypatch.setattr(run, "import_module", lambda _: steps)
        code = code_fingerprint("workflow_lib.steps.extract_features")
        spec = json.dumps({"each": "layers", "layers": layers})
        paths = [f"results/{role}.zarr.zip" for role in layers]
        files = ["--checkpoint", "checkpoint.bin", "--dataset", "dataset.bin", "--features", *paths]
        run.run(parse(["extract-features", *files, "--spec", spec, "--code", code, "--device", "cpu"]))
        return steps.asked, [(project / path).read_text() for path in paths]

    return call


def test_of_several_outputs_only_those_that_are_new_are_computed(extract, capfd):
    assert extract(a="1", b="2") == ([["a", "b"]], ["checkpoint1", "checkpoint2"])
    assert extract(c="3", b="2", a="1") == ([["c"]], ["checkpoint3", "checkpoint2", "checkpoint1"])
    assert "2 of 3 outputs were in the cache" in capfd.readouterr().err
    assert extract(b="2") == ([], ["checkpoint2"])
    assert "restored from the cache" in capfd.readouterr().err
    assert extract(b="1", a="1") == ([["b"]], ["checkpoint1", "checkpoint1"])


def test_each_output_has_a_record_of_its_own_settings(project, extract):
    extract(a="1", b="2")
    record = json.loads((project / "results/provenance/b.zarr.zip.json").read_text())
    assert record["spec"] == {"each": "layers", "layers": {"b": "2"}}
    assert record["digest"] == digests.content_digest(project / "results/b.zarr.zip")
