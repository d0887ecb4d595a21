"""A copy of the project in which a test runs Snakemake, edits one thing, and looks at which jobs ran."""

import fcntl
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.config.config import FOLDERS
from workflow_lib.config.load import load
from workflow_lib.plan import targets
from workflow_lib.plan.jobs import PlannedJob, upstream
from workflow_lib.plan.plan import Plan
from workflow_lib.runner.log import SEE

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = "snakemake_logger_plugin_latent_atlas"
PARTS = ("Snakefile", "rules", "workflow_lib", PLUGIN, "profiles", "configs", "docs", "environment.yaml")
KERNELS = Path("workflow_lib", "kstar")
BEING_WRITTEN = shutil.ignore_patterns("*.pyc.*", "*.tmp.*")
"""Byte code and machine code that other tests write meanwhile."""

FORECAST = """
import json, sys
from pathlib import Path
from workflow_lib.config.yaml_file import read_mapping
from workflow_lib.plan import targets
from workflow_lib.plan.load import load_plan
from workflow_lib.plan.why import explain
file = Path("config.yaml")
plan = load_plan(read_mapping(file), [file])
stages = {name: targets.paths(plan, name) for name in targets.TARGETS}
asked = [path for name in sys.argv[1:] for path in stages.get(name, [name])]
answer = explain(plan, asked or None)
jobs = {job.name: job.makes for job in answer.jobs}
json.dump({"jobs": jobs, "running": [*answer.reasons, *answer.following]}, sys.stdout)
"""


def shipped(name: str) -> str:
    """A config of the project, with its results where those of config.yaml are."""
    file = ROOT / "config.yaml" if name == "default" else ROOT / "configs" / f"{name}.yaml"
    return re.sub(r"^results: .*\n", "", file.read_text("utf-8"), flags=re.MULTILINE)


MINIATURE = shipped("miniature")


@functools.cache
def planned(config: str, *stages: str) -> list[PlannedJob]:
    """All jobs of a config and of the stages that it makes only when asked, each after those that make its inputs."""
    plan = Plan(load(yaml.safe_load(config), check_files=False), DigestMemory(Path("not-asked")))
    return upstream(plan, [*targets.default(plan), *(path for stage in stages for path in targets.paths(plan, stage))])


@dataclass(frozen=True)
class Run:
    """What one call of Snakemake did.

    Attributes:
        code, output: exit status, and what it printed.
        computed, restored: names of the jobs that ran, as in results/logs: computed anew, or taken from the cache.
    """

    code: int
    output: str
    computed: set[str]
    restored: set[str]

    @property
    def started(self) -> set[str]:
        """All jobs that Snakemake started."""
        return self.computed | self.restored


class Forecast(NamedTuple):
    """What the plan says before anything runs.

    Attributes:
        jobs: paths that each job makes, by its name; all jobs that the targets need.
        running: names of the jobs that `latent-atlas why` says would run.
    """

    jobs: dict[str, list[str]]
    running: set[str]


class Project:
    """The workflow in a folder of its own.

    Args:
        folder: where it is; without a Snakefile it becomes a project.
        cores: how many Snakemake may use; None leaves that to the profile.
        config: text of the config.yaml of a new project.

    Attributes:
        variables: environment of every command.
    """

    def __init__(self, folder: Path, cores: int | None = None, config: str = MINIATURE) -> None:
        self.folder = folder
        others = {name: value for name, value in os.environ.items() if name != "LATENT_ATLAS_CACHE"}
        self.variables = others | {"PYTHONPATH": str(folder)}
        self._cores = () if cores is None else ("--cores", str(cores))
        if not (folder / "Snakefile").exists():
            folder.mkdir(parents=True, exist_ok=True)
            for part in PARTS:
                if (ROOT / part).is_dir():
                    shutil.copytree(ROOT / part, folder / part, ignore=BEING_WRITTEN)
                else:
                    shutil.copy(ROOT / part, folder / part)
            take_machine_code(ROOT, folder)
            (folder / "config.yaml").write_text(config)

    @property
    def root(self) -> Path:
        """The folder of results, which the config may name."""
        file = self.folder / "config.yaml"
        text = file.read_text("utf-8", errors="replace") if file.is_file() else ""
        named = re.search(r"^results: (.+)$", text, re.MULTILINE)
        return self.folder / (named[1] if named else "results")

    def copy(self, folder: Path, cores: int | None = None) -> "Project":
        """The same project in another folder, with its results, their time stamps, and Snakemake's memory of them."""
        shutil.copytree(self.folder, folder, symlinks=True)
        take_machine_code(self.folder, folder)
        return Project(folder, cores)

    def snakemake(self, *arguments: str) -> Run:
        """Run Snakemake as a user would, and read from the logs what its jobs did."""
        before = self._log_times()
        done = self.python("-m", "snakemake", *self._cores, *arguments)
        started = {name for name, time in self._log_times().items() if before.get(name) != time}
        restored = {name for name in started if "restored from the cache" in self.log(name)}
        return Run(done.returncode, done.stdout + done.stderr, started - restored, restored)

    def forecast(self, *stages: str) -> Forecast:
        """Ask the plan; the stages or files are those that Snakemake is called with, such as kstar."""
        done = self.python("-c", FORECAST, *stages)
        assert done.returncode == 0, done.stdout + done.stderr
        answer = json.loads(done.stdout)
        return Forecast(answer["jobs"], set(answer["running"]))

    def edit_config(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Apply a function to the content of config.yaml."""
        file = self.folder / "config.yaml"
        config = yaml.safe_load(file.read_text())
        change(config)
        file.write_text(yaml.safe_dump(config, sort_keys=False))

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that must be there in a file."""
        text = (self.folder / path).read_text()
        assert old in text, f"{old!r} is not in {path}"
        (self.folder / path).write_text(text.replace(old, new))

    def log(self, name: str) -> str:
        """What a job printed, by its name, alone or done as one with others."""
        text = (self.root / "logs" / f"{name}.log").read_text()
        return (self.folder / text.removeprefix(SEE).strip()).read_text() if text.startswith(SEE) else text

    def results(self) -> dict[str, bytes]:
        """Bytes of every artifact that is compared, by its path below the folder of results."""
        files = (file for kind in FOLDERS for file in sorted((self.root / kind).rglob("*")))
        return {str(file.relative_to(self.root)): file.read_bytes() for file in files if file.is_file()}

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the folder, with the workflow of this project."""
        command = [sys.executable, *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=self.variables, capture_output=True, text=True, check=False, timeout=900
        )

    def _log_times(self) -> dict[str, int]:
        logs = self.root / "logs"
        return {str(file.relative_to(logs).with_suffix("")): file.stat().st_mtime_ns for file in logs.rglob("*.log")}


def run_once(folder: Path, make: Callable[[Path], Project] = Project, *stages: str) -> Project:
    """A project that is run to its end in a folder by the first process or thread that asks; others wait for it.

    It makes what Snakemake makes unasked, or these stages.
    """
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            unfinished = folder.with_name(f"{folder.name}-unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            run = make(unfinished).snakemake(*stages)
            assert run.code == 0, run.output
            unfinished.rename(folder)
            take_machine_code(unfinished, folder)
    return Project(folder)


def take_machine_code(source: Path, folder: Path) -> None:
    """Let a copy use the machine code that came with it: numba looks for it by the path of the sources."""
    old, new = (f"kstar_{hashlib.sha1(bytes(each / KERNELS)).hexdigest()}" for each in (source, folder))
    for code in (folder / KERNELS / "__pycache__").glob(f"*/{old}"):
        code.rename(code.with_name(new))
