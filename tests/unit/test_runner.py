"""Jobs: exact keys, outputs whole or not there, restored when they were made before."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from workflow_lib import storage
from workflow_lib.errors import UserError
from workflow_lib.files import scratch_folder
from workflow_lib.runner import digests, inputs, run, snakemake_process, verify, workplace
from workflow_lib.runner import job as runner_job
from workflow_lib.runner.braces import braces, expand
from workflow_lib.runner.cache import ActionCache
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
    before = outside_the_cache(project)
    done = subprocess.run(
        [sys.executable, "-c", script.format(number=int(number), arguments=arguments)], check=False, timeout=60
    )
    assert done.returncode == 128 + number
    assert outside_the_cache(project) == before


def outside_the_cache(project):
    """Every path of a project but those of the cache, which also remembers what sources say."""
    return sorted(path for path in project.rglob("*") if ".cache" not in path.parts)


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


def damage(file):
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


@pytest.fixture
def artifact(project):
    """An input that a job has made, with the record of it."""
    run.run(job(output="results/made.zarr.zip"))
    return project / "results/made.zarr.zip"


def proved(path, project):
    memory = digests.DigestMemory(project / "results/.cache/digests")
    return inputs.sound_digests({"role": path}, Path("results"), memory, ActionCache(Path("results/.cache")))


def test_a_damaged_input_comes_back_from_the_cache_and_is_named(project, artifact, capfd):
    whole = artifact.read_bytes()
    name = artifact.relative_to(project)
    damage(artifact)
    assert proved(name, project) == {"role": hashlib.sha256(whole).hexdigest()}
    assert artifact.read_bytes() == whole
    assert artifact.with_name("made.zarr.zip.damaged").read_bytes() != whole
    assert "results/made.zarr.zip: damaged or edited" in capfd.readouterr().err


@pytest.mark.parametrize("record", ["there", "gone", "not readable", "of an earlier version"])
def test_a_damaged_input_that_cannot_be_brought_back_is_put_aside(project, artifact, record):
    sidecar = project / "results/provenance/made.zarr.zip.json"
    if record == "gone":
        sidecar.unlink()
    elif record == "not readable":
        sidecar.write_text("{")
    elif record == "of an earlier version":
        sidecar.write_text("{}")
    shutil.rmtree(project / "results/.cache")
    name = artifact.relative_to(project)
    assert proved(name, project)
    damage(artifact)
    with pytest.raises(UserError, match=r"made\.zarr\.zip\n.*damaged(.|\n)*run snakemake again"):
        proved(name, project)
    assert not artifact.exists()
    assert artifact.with_name("made.zarr.zip.damaged").exists()
    with pytest.raises(UserError, match="does not exist"):
        proved(name, project)


def test_all_inputs_that_are_not_sound_are_named_at_once(project, artifact):
    shutil.rmtree(project / "results/.cache")
    artifact.write_bytes(artifact.read_bytes()[:-1])
    job = parse(
        ["compute-kstar", "--features", "results/{made,none}.zarr.zip", "--kstar", "k", "--spec", "{}", "--code", "x"]
    )
    with pytest.raises(UserError) as error:
        inputs.sound_digests(
            job.files("input"), Path("results"), digests.DigestMemory(project / "d"), ActionCache(project / "c")
        )
    assert [problem.where for problem in error.value.problems] == [
        "results/made.zarr.zip",
        "results/none.zarr.zip",
    ]


@pytest.mark.parametrize("kept", [True, False], ids=["kept in the cache", "kept nowhere"])
def test_verify_names_what_is_damaged_and_repairs_it(project, artifact, capsys, kept):
    assert verify.main([]) == 0
    assert capsys.readouterr().out.startswith("1 artifacts checked, 0 damaged")
    whole = artifact.read_bytes()
    damage(artifact)
    assert verify.main([]) == 1
    assert "results/made.zarr.zip\n" in capsys.readouterr().out
    if not kept:
        shutil.rmtree(project / "results/.cache")
    assert verify.main(["--repair"]) == 0
    assert artifact.exists() == kept
    assert not kept or artifact.read_bytes() == whole
    assert artifact.with_name("made.zarr.zip.damaged").exists()
    assert verify.main([]) == 0


def test_a_job_removes_what_its_like_left_that_are_dead_and_nothing_of_the_living(project, monkeypatch):
    """Zarr makes a folder anew that is removed while it writes; what was in it would be lost without an error."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    call_step = run._call_step
    left = []

    def beside_others(*arguments):
        (scratch,) = (project / "results/.scratch").iterdir()
        for name in (f"{run.OUT_HERE}{dead.pid}-x", f"{run.OUT_HERE}{os.getppid()}-x", "out-elsewhere-1-x", "state"):
            (scratch / name).mkdir()
            left.append(scratch / name)
        call_step(*arguments)

    monkeypatch.setattr(run, "_call_step", beside_others)
    run.run(job())
    assert [folder.exists() for folder in left] == [False, True, True, False]


def test_a_job_goes_on_when_one_of_the_same_key_removes_the_folder_above_its_own(project, monkeypatch):
    """Equal data under two names make jobs of equal keys, which may run at once."""
    mkdir = Path.mkdir
    removed = []

    def beside_another(self, *arguments, **options):
        if self.name.startswith(run.OUT_HERE) and len(removed) < 2:
            self.parent.rmdir()
            removed.append(self.parent)
        mkdir(self, *arguments, **options)

    monkeypatch.setattr(Path, "mkdir", beside_another)
    run.run(job())
    assert len(removed) == 2
    run._tidy(removed[0])  # which the other has removed before
    assert (project / "results/kstar.zarr.zip").exists()


def test_where_no_folder_can_be_made_nobody_tries_for_ever(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="file"), scratch_folder(tmp_path / "file", "x"):
        pass


def test_a_job_whose_snakemake_was_killed_keeps_its_result_and_publishes_nothing(project, monkeypatch):
    parent = subprocess.Popen(["sleep", "60"])
    space = snakemake_process.identity().partition(" ")[2]
    monkeypatch.setenv(snakemake_process.PROCESS, f"{parent.pid} {space}")
    call_step = run._call_step

    def while_snakemake_is_killed(*arguments):
        parent.kill()
        parent.wait()
        call_step(*arguments)

    monkeypatch.setattr(run, "_call_step", while_snakemake_is_killed)
    with pytest.raises(UserError, match="the Snakemake that started it has ended"):
        run.run(job())
    assert not (project / "results/kstar.zarr.zip").exists()
    assert list((project / "results/.scratch").iterdir()) == []
    monkeypatch.delenv(snakemake_process.PROCESS)
    monkeypatch.setattr(run, "_compute", lambda *_: pytest.fail("computed again"))
    run.run(job())
    assert (project / "results/kstar.zarr.zip").exists()


def test_a_job_of_a_run_that_was_killed_elsewhere_keeps_its_result_and_publishes_nothing(project, monkeypatch):
    monkeypatch.setenv(snakemake_process.RUN, snakemake_process.run_file(Path("results")))
    with pytest.raises(UserError, match="has ended"):
        run.run(job())
    assert not (project / "results/kstar.zarr.zip").exists()
    snakemake_process.begin_run()
    monkeypatch.setattr(run, "_compute", lambda *_: pytest.fail("computed again"))
    run.run(job())
    assert (project / "results/kstar.zarr.zip").exists()


def test_a_run_removes_the_files_of_those_that_were_killed_here_and_no_others(project, monkeypatch):
    runs = project / "results/.runs"
    runs.mkdir()
    here, process, started = snakemake_process.run_file(Path("results")).rsplit("-", 2)
    here = here.rpartition("/")[2]
    parent = f"{here}-{os.getppid()}-{snakemake_process._started(os.getppid())}"
    kept = [f"elsewhere-1-{process}-{started}", parent]
    ended = [f"{here}-{process}-1", f"{here}-4194305-{started}"]  # an id that was used again, and one beyond all ids
    for name in kept + ended:
        (runs / name).touch()
    monkeypatch.setenv(snakemake_process.RUN, snakemake_process.run_file(Path("results")))
    snakemake_process.begin_run()
    assert {file.name for file in runs.iterdir()} == {*kept, f"{here}-{process}-{started}"}


def test_the_file_of_a_run_goes_with_its_process_unless_that_is_killed(project):
    code = """if True:
        import os, signal, sys
        from pathlib import Path
        from workflow_lib.runner import snakemake_process
        os.environ[snakemake_process.RUN] = snakemake_process.run_file(Path("results"))
        snakemake_process.begin_run()
        print(len(list(Path("results/.runs").iterdir())))
        sys.stdout.flush()
        os.chdir("/")
        if sys.argv[1] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
    """
    root = Path(run.__file__).parents[2]
    for how, left in (("kill", 1), ("end", 0)):
        done = subprocess.run(
            [sys.executable, "-c", code, how],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(root)},
            capture_output=True,
        )
        assert done.stdout == b"1\n", done.stderr
        assert len(list((project / "results/.runs").iterdir())) == left


def test_a_step_writes_on_the_disk_that_the_user_names(project, tmp_path_factory, monkeypatch):
    run.run(job())
    expected = (project / "results/kstar.zarr.zip").read_bytes()
    shutil.rmtree(project / "results/.cache")
    disk, seen = tmp_path_factory.mktemp("disk"), []
    monkeypatch.setenv("NODE_DISK", str(disk))
    monkeypatch.setenv(workplace.SCRATCH, "$NODE_DISK")
    call_step = run._call_step
    monkeypatch.setattr(run, "_call_step", lambda *args: seen.extend(args[2].values()) or call_step(*args))
    run.run(job())
    assert [path.is_relative_to(disk) for path in seen] == [True]
    assert (project / "results/kstar.zarr.zip").read_bytes() == expected
    assert list(disk.iterdir()) == []
    assert list((project / "results/.scratch").iterdir()) == []


def test_a_disk_that_is_not_there_is_told(project, monkeypatch):
    monkeypatch.setenv(workplace.SCRATCH, "/nowhere/at/all")
    with pytest.raises(UserError, match=workplace.SCRATCH):
        run.run(job())
    assert not (project / "results/kstar.zarr.zip").exists()


def test_a_full_disk_is_told_in_words(project):
    limited = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512))
from workflow_lib.runner.run import main
sys.exit(main(sys.argv[1:]))
"""
    files = ["--features", "results/features.zarr.zip", "--kstar", "results/kstar.zarr.zip", "--log", "job.log"]
    call = ["compute-kstar", *files, "--spec", '{"metric":"euclidean"}', "--code", CODE, "--device", "cpu"]
    done = subprocess.run([sys.executable, "-c", limited, *call], check=False, capture_output=True, text=True)
    assert done.returncode == 1
    told = (project / "job.log").read_text() + done.stderr
    assert "compute_kstar: 1 problem:" in told
    assert "make room" in told
    assert "Traceback" not in told
    assert not (project / "results/kstar.zarr.zip").exists()
    assert list((project / "results/.scratch").iterdir()) == []
