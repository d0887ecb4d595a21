"""The command `latent-atlas`: what it prints, how it ends, and what it tells Snakemake."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from runner_cases import job
from snakemake.cli import get_argument_parser
from typer.testing import CliRunner

from workflow_lib import cli
from workflow_lib.cache.store import ActionCache
from workflow_lib.runner import run as runner

ROOT = Path(__file__).parents[2]
MINIATURE = ROOT / "configs" / "miniature.yaml"
HOUR = 3600


def latent_atlas(*words):
    return CliRunner().invoke(cli.app, words)


def as_a_process(*words, **options):
    command = [sys.executable, "-P", "-c", "from workflow_lib.cli import main; main()", *words]
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, **options)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The miniature's config in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LATENT_ATLAS_CACHE", raising=False)
    shutil.copy(MINIATURE, "config.yaml")
    return tmp_path


@pytest.fixture
def told(here, monkeypatch):
    """What Snakemake would be told by a command line, without running it."""
    Path("Snakefile").touch()
    for name in ("a.yaml", "b.yaml"):
        shutil.copy(MINIATURE, name)

    class BecomesSnakemake(Exception):  # noqa: N818
        pass

    def become(program, arguments):
        assert (program, arguments[:3]) == (sys.executable, [sys.executable, "-m", "snakemake"])
        raise BecomesSnakemake(arguments[3:])

    monkeypatch.setattr(cli.os, "execv", become)

    def arguments(*words):
        error = latent_atlas(*words).exception
        assert isinstance(error, BecomesSnakemake), error
        return error.args[0]

    return arguments


@pytest.mark.parametrize(
    ("line", "options", "targets"),
    [
        ("", "", ""),
        ("figures", "", "figures"),
        ("--configfile a.yaml figures -n --cores 2", "--configfile a.yaml -n --cores 2", "figures"),
        ("figures --cores 2 -n --configfile a.yaml", "--configfile a.yaml --cores 2 -n", "figures"),
        ("--configfile=a.yaml kstar --configfile b.yaml", "--configfile a.yaml b.yaml", "kstar"),
        ("-n kstar figures -p", "-n -p", "kstar figures"),
        ("-np figures -j4", "-np -j4", "figures"),
        ("--set-threads compute_kstar=4 draw=2 figures", "--set-threads compute_kstar=4 draw=2", "figures"),
        ("--workflow-profile profiles/slurm figures", "--workflow-profile profiles/slurm", "figures"),
        ("figures --until compute_kstar draw_maps -n", "--until compute_kstar draw_maps -n", "figures"),
        ("--until compute_kstar -- figures", "--until compute_kstar", "figures"),
        ("--until X -n figures -- --odd", "--until X -n", "figures --odd"),
        ("--forcerun -- figures", "--forcerun", "figures"),
        ("-q rules progress figures", "-q rules progress", "figures"),
        ("--rerun-triggers mtime figures", "--rerun-triggers mtime", "figures"),
        ("--dag figures", "--dag", "figures"),
        ("--dry-r figures", "--dry-r", "figures"),
        ("--retries 3 figures", "--retries 3", "figures"),
        ("--config x=1 y=2 figures", "--config x=1 y=2", "figures"),
        ("--config=x=1 figures -nC y=2", "--config x=1 y=2 -n", "figures"),
        ("--results elsewhere figures", "--config results=elsewhere", "figures"),
        ("-C x=1 figures --results elsewhere", "--config x=1 results=elsewhere", "figures"),
        ("results/kstar/a.zarr.zip", "", "results/kstar/a.zarr.zip"),
    ],
)
def test_targets_and_options_may_come_in_any_order(told, line, options, targets):
    arguments = told("run", *line.split())
    end = ["--", *targets.split()] if targets else []
    assert arguments == ["--snakefile", "Snakefile", *options.split(), *end]
    assert get_argument_parser().parse_args(arguments).targets == (targets.split() or set())


def test_an_unknown_option_is_left_to_snakemake(told):
    assert told("run", "--nosuch", "figures")[2:] == ["--nosuch", "--", "figures"]


def test_the_snakefile_is_the_users_or_that_of_the_folder_or_of_the_project(told):
    assert told("run", "-s", "Other")[:2] == ["-s", "Other"]
    Path("Snakefile").unlink()
    assert told("run")[:2] == ["--snakefile", str(ROOT / "Snakefile")]


@pytest.mark.parametrize(
    ("words", "page"),
    [
        ("", "results/miniature/report.html"),
        ("page.html", "page.html"),
        ("--results elsewhere", "elsewhere/report.html"),
    ],
)
def test_a_report_goes_beside_the_results_or_where_it_shall(here, words, page):
    done = latent_atlas("report", *words.split())
    assert done.exit_code == 0, done.stderr
    assert (here / page).as_uri() in done.stdout.splitlines()[0]
    assert "tables and figures are missing" in done.stdout
    assert (here / page).read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run --config a.yaml", "--configfile a.yaml"),
        ("run --configfile a.yaml b.yaml", "--configfile b.yaml"),
        ("why --config a.yaml", "--configfile"),
        ("whi", "why"),
        ("cache prune", "--budget"),
        ("cache prune --budget 10apples", "'10apples' is not a size"),
    ],
)
def test_mistakes_of_the_command_line_end_with_2(told, line, message):
    done = latent_atlas(*line.split())
    assert done.exit_code == 2
    assert message in done.stderr
    assert "Usage: " in done.stderr


@pytest.mark.parametrize("command", ["run", "why", "estimate", "orphans --remove", "report"])
def test_mistakes_in_a_config_end_with_1(here, command):
    broken = here / "broken.yaml"
    broken.write_text("datasets: {}\ndatasets: {}\n")
    done = latent_atlas(*command.split(), "--configfile", "broken.yaml")
    assert done.exit_code == 1
    assert "broken.yaml:2: datasets" in done.stderr
    done = latent_atlas(*command.split(), "--configfile", "none.yaml")
    assert (done.exit_code, "none.yaml" in done.stderr) == (1, True)


def test_why_prints_reasons_and_runs_nothing(here):
    done = latent_atlas("why")
    assert done.exit_code == 0
    assert done.stdout.startswith("47 of 47 jobs would run.")
    assert not Path("results", "miniature", "checkpoints").exists()


def test_later_files_change_earlier_ones(here):
    Path("more.yaml").write_text("models: {digits_cnn: {seeds: [0]}}\n")
    done = latent_atlas("why", "--configfile", "config.yaml", "--configfile", "more.yaml")
    assert not done.stdout.startswith("47 of 47")


def test_estimate_prints_a_table(here):
    done = latent_atlas("estimate", "--configfile", str(MINIATURE))
    (row,) = (line.split() for line in done.stdout.splitlines() if line.startswith("train_interval"))
    assert row[-4:] == ["measured", "on", "this", "machine"]
    assert not Path("results", "miniature", "checkpoints").exists()


def test_orphans_are_removed_only_when_told(here):
    old = here / "results/miniature/kstar/old.zarr.zip"
    old.parent.mkdir(parents=True)
    old.touch()
    assert "results/miniature/kstar/old.zarr.zip" in latent_atlas("orphans").stdout
    assert old.exists()
    assert latent_atlas("orphans", "--remove").stdout.endswith("Removed.\n")
    assert not old.exists()
    assert "No orphans" in latent_atlas("orphans", "--remove").stdout


def test_what_any_config_names_is_no_orphan(here):
    mine = here / "results/miniature/datasets/mine/train.zarr.zip"
    mine.parent.mkdir(parents=True)
    mine.touch()
    Path("other.yaml").write_text(
        MINIATURE.read_text().replace("  digits:\n", "  mine:\n").replace("dataset: digits", "dataset: mine")
    )
    assert "mine" in latent_atlas("orphans").stdout
    assert "No orphans" in latent_atlas("orphans", "--configfile", "config.yaml", "--configfile", "other.yaml").stdout


@pytest.mark.parametrize("kept", [True, False], ids=["kept in the cache", "kept nowhere"])
def test_verify_names_what_is_damaged_and_repair_mends_it(project, kept):
    runner.run(job(output="results/made.zarr.zip"))
    artifact = project / "results/made.zarr.zip"
    assert latent_atlas("verify", "--results", "results").stdout.startswith("1 results checked, 0 damaged")
    whole = artifact.read_bytes()
    artifact.write_bytes(whole[:-1])
    done = latent_atlas("verify", "--results", "results")
    assert done.exit_code == 1
    assert "results/made.zarr.zip\n" in done.stdout
    assert done.stdout.endswith("latent-atlas repair --results results\n")
    if not kept:
        shutil.rmtree(project / "results/.cache")
    done = latent_atlas("repair", "--results", "results")
    assert done.exit_code == 0
    assert (
        "restored from the cache" if kept else "latent-atlas run --results results results/made.zarr.zip"
    ) in done.stdout
    assert artifact.exists() == kept
    assert not kept or artifact.read_bytes() == whole
    assert artifact.with_name("made.zarr.zip.damaged").exists()
    assert latent_atlas("verify", "--results", "results").exit_code == 0


def test_the_cache_is_shown_and_made_to_fit(here):
    folder = here / "results/.cache"
    file = here / "one"
    file.write_bytes(b"one")
    ActionCache(folder).store("0" * 64, {"a": file}, {"verb": "draw"})
    assert "draw" in latent_atlas("cache", "info").stdout
    done = latent_atlas("cache", "prune", "--budget", "0")
    assert "3 B left, more than 0 B: used within the last 10 minutes" in done.stdout
    for kept in folder.rglob("*"):
        os.utime(kept, (kept.stat().st_mtime - HOUR,) * 2)
    done = latent_atlas("cache", "prune", "--budget=0")
    assert done.stdout == "results/.cache: removed 1 jobs, 1 objects, 3 B; 0 B left\n"


def test_a_cache_that_may_not_be_changed_is_told(here, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("workflow_lib.cache.pruning.prune", refuse)
    done = latent_atlas("cache", "prune", "--budget=0")
    assert done.exit_code == 1
    assert "the cache cannot be changed" in done.stderr


def test_help_and_version_and_the_cache_need_no_heavy_library(tmp_path):
    program = "import sys; from workflow_lib import cli; sys.argv[1:] = {}\ntry: cli.main()\nexcept SystemExit: pass\n"
    program += "print([m for m in ('numpy', 'torch', 'snakemake', 'rich') if m in sys.modules])"
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    for words in (["--help"], ["run", "--help"], ["--version"], ["cache", "info"]):
        command = [sys.executable, "-c", program.format(words)]
        told = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True).stdout
        assert told.endswith("[]\n"), told


def test_a_bug_shows_its_traceback(tmp_path):
    (tmp_path / "workflow_lib").mkdir()
    (tmp_path / "workflow_lib" / "__init__.py").touch()
    (tmp_path / "workflow_lib" / "cli.py").write_text("raise RuntimeError('the working directory has its own')")
    done = as_a_process("why", cwd=tmp_path)
    assert done.returncode == 1
    assert "RuntimeError: the working directory has its own" in done.stderr


def test_the_exit_status_is_that_of_snakemake(here):
    Path("Snakefile").write_text("rule figures:\n    shell: 'exit 1'\n")
    assert as_a_process("run", "--configfile", "config.yaml", "figures", "--cores", "1", cwd=here).returncode == 1
    assert as_a_process("run", "--nosuch", cwd=here).returncode == 2


COMMANDS = ["run", "why", "estimate", "orphans", "verify", "repair", "report", "cache info", "cache prune"]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_an_example(command):
    done = latent_atlas(*command.split(), "--help")
    assert done.exit_code == 0
    assert f"\n      latent-atlas {command}" in done.stdout
