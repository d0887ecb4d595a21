"""A copy of the project in which a test runs Snakemake, edits one thing, and looks at which jobs ran."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("Snakefile", "rules", "workflow_lib", "profiles", "configs", "docs", "environment.yaml")


@dataclass(frozen=True)
class Run:
    """What one call of Snakemake did.

    Attributes:
        code: exit status.
        output: what it printed.
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


class Project:
    """The workflow in a folder of its own, with the miniature study as its config.yaml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for part in PARTS:
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, folder / part)
        shutil.copy(ROOT / "configs" / "miniature.yaml", folder / "config.yaml")

    def snakemake(self, *arguments: str) -> Run:
        """Run Snakemake as a user would, and read from the logs what its jobs did."""
        before = self._log_times()
        environment = {k: v for k, v in os.environ.items() if k != "LATENT_ATLAS_CACHE"}
        environment["PYTHONPATH"] = str(self.folder)
        command = [sys.executable, "-m", "snakemake", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=900
        )
        started = {name for name, time in self._log_times().items() if before.get(name) != time}
        restored = {name for name in started if "restored from the cache" in self.log(name)}
        return Run(done.returncode, done.stdout + done.stderr, started - restored, restored)

    def why(self) -> set[str]:
        """Names of the jobs that `make why` says would run."""
        script = """
import sys
from pathlib import Path
from workflow_lib.config.yaml_file import read_mapping
from workflow_lib.plan.load import load_plan
from workflow_lib.plan.why import explain
file = Path("config.yaml")
answer = explain(load_plan(read_mapping(file), [file]))
print("\\n".join([*answer.reasons, *answer.following]))
"""
        environment = os.environ | {"PYTHONPATH": str(self.folder)}
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=self.folder, env=environment, capture_output=True, text=True, check=True
        )
        return set(done.stdout.split())

    def config(self) -> dict:
        """Content of config.yaml."""
        return yaml.safe_load((self.folder / "config.yaml").read_text())

    def edit_config(self, change) -> None:
        """Apply a function to the content of config.yaml."""
        config = self.config()
        change(config)
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))

    def edit(self, path: str, old: str, new: str) -> None:
        """Replace a text that must be there in a file."""
        text = (self.folder / path).read_text()
        assert old in text, f"{old!r} is not in {path}"
        (self.folder / path).write_text(text.replace(old, new))

    def log(self, name: str) -> str:
        return (self.folder / "results" / "logs" / f"{name}.log").read_text()

    def results(self) -> dict[str, bytes]:
        """Bytes of every artifact that is compared: not logs, times, origins, nor what is hidden."""
        root = self.folder / "results"
        kinds = ("datasets", "checkpoints", "features", "kstar", "maps", "neighbours", "studies")
        return {
            str(file.relative_to(root)): file.read_bytes()
            for kind in kinds
            for file in sorted((root / kind).rglob("*"))
            if file.is_file()
        }

    def _log_times(self) -> dict[str, int]:
        logs = self.folder / "results" / "logs"
        return {str(file.relative_to(logs).with_suffix("")): file.stat().st_mtime_ns for file in logs.rglob("*.log")}


def verbs(jobs: set[str]) -> set[str]:
    """Verbs of jobs that are named as in results/logs."""
    return {re.split("/", job)[0] for job in jobs}
