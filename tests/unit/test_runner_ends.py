"""Jobs that end early, and runs that were killed: nothing half-written, no litter, nothing published late."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from runner_cases import CODE, job

from workflow_lib.errors import UserError
from workflow_lib.io.files import scratch_folder
from workflow_lib.runner import run, snakemake_process, workplace


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_job_at_once_and_without_litter(project, number):
    script = """
import os, signal, weakref
from pathlib import Path
from workflow_lib.io.files import atomic
from workflow_lib.runner import run

class Thing: ...

def step(*arguments):
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


def test_a_job_that_is_stopped_while_its_code_is_loaded_says_nothing(tmp_path):
    hook = "import os, signal, sys\nsys.addaudithook(lambda event, arguments: event == 'import'"
    hook += " and arguments[0] == 'workflow_lib.runner.run' and os.kill(os.getpid(), signal.SIGINT))"
    (tmp_path / "sitecustomize.py").write_text(hook)
    variables = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])}
    done = subprocess.run([sys.executable, "-m", "workflow_lib"], check=False, capture_output=True, env=variables)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, b"")


def test_messages_may_name_files_that_are_not_unicode(tmp_path):
    script = "from pathlib import Path; from workflow_lib.runner.log import logged\n"
    script += "with logged(Path('job.log')) as say: say('\\udcff.png')"
    subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(Path.cwd())}
    )
    assert (tmp_path / "job.log").read_text() == "\\udcff.png\n"


def outside_the_cache(project):
    """Every path of a project but those of the cache, which also remembers what sources say."""
    return sorted(path for path in project.rglob("*") if ".cache" not in path.parts)


def test_a_job_removes_what_its_like_left_that_are_dead_and_nothing_of_the_living(project, monkeypatch):
    """Zarr makes a folder anew that is removed while it writes; what was in it would be lost without an error."""
    dead = subprocess.Popen(["true"])
    dead.wait()
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and its entry is left
    call_step = run._call_step
    left = []

    def beside_others(*arguments):
        (scratch,) = (project / "results/.scratch").iterdir()
        for name in (
            f"{run.OUT_HERE}{dead.pid}-x",
            f"{run.OUT_HERE}{zombie.pid}-x",
            f"{run.OUT_HERE}{os.getppid()}-x",
            "out-elsewhere-1-x",
            f"{run.STATE}x",
        ):
            (scratch / name).mkdir()
            left.append(scratch / name)
        call_step(*arguments)

    monkeypatch.setattr(run, "_call_step", beside_others)
    run.run(job())
    zombie.wait()
    assert [folder.exists() for folder in left] == [False, False, True, True, False]


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
