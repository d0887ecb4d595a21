"""Overhead of the workflow against a bare one of the same shape: python -m bench.bench_workflow [--jobs 100 1000 5000].

Both have a graph of D imports and 4 D k*, of which ours starts four as one job. Ours restores every one from the cache,
as after an edit that was taken back; the bare one runs a trivial command in each. Runs come by turns, one after the
other, and only their ratios count: the machine may have other work, which disturbs the time of the processor less than
that of the clock. 5,000 jobs take a quarter of an hour.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from workflow_lib.cache.actions import object_file
from workflow_lib.cache.store import ActionCache

ROOT = Path(__file__).resolve().parents[1]
PLUGIN = "snakemake_logger_plugin_latent_atlas"
PARTS = ("Snakefile", "rules", "workflow_lib", PLUGIN, "profiles", "docs", "environment.yaml")
METRICS = ("euclidean", "cityblock", "chebyshev", "cosine")
JOBS_PER_DATASET = 1 + len(METRICS)
COPIED_BYTES = 10**9
CORES = "2"
ROUNDS = {100: (3, 5)}
"""Rounds of full runs and of dry runs for a number of jobs; of others, one and three."""
UNLIKE_USERS = ("LATENT_ATLAS_CACHE", "PYTHONDONTWRITEBYTECODE")
"""Variables that are not passed on. Without bytecode every job would compile the runner."""

BARE = """
rule kstar:
    input:
        expand("results/kstar/{{dataset}}/{{metric}}", dataset=range({datasets}), metric={metrics}),

rule import_features:
    output: "results/features/{{dataset}}"
    shell: "{command} {{output}}"

rule compute_kstar:
    input: "results/features/{{dataset}}"
    output: "results/kstar/{{dataset}}/{{metric}}"
    shell: "{command} {{output}}"
"""
COMMANDS = {"touch": "touch", "python -c pass": f"{sys.executable} -c pass && touch"}


class Cost(NamedTuple):
    """Seconds by the clock, and seconds of processors that work on it."""

    clock: float
    processor: float


def cost(work: Callable[[], object]) -> Cost:
    """What it costs to do something, in this process and in those that it starts."""
    clock, processor = time.perf_counter(), sum(os.times()[:4])
    work()
    return Cost(time.perf_counter() - clock, sum(os.times()[:4]) - processor)


class Workflow:
    """A workflow in a folder that can be run as if nothing had been done, and asked what there is to do.

    Args:
        folder: to be made.
        kept: what a fresh run may find below results/.
    """

    def __init__(self, folder: Path, kept: tuple[str, ...] = ()) -> None:
        self.folder, self._kept = folder, kept
        folder.mkdir()

    def snakemake(self, *arguments: str) -> None:
        """Ask for all k*."""
        command = [sys.executable, "-m", "snakemake", "kstar", "--quiet", "all", *arguments]
        own = {name: value for name, value in os.environ.items() if name not in UNLIKE_USERS}
        environment = own | {"PYTHONPATH": str(self.folder)}
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout + done.stderr)

    def ask(self) -> Cost:
        """A dry run."""
        return cost(lambda: self.snakemake("--dry-run"))

    def run(self) -> Cost:
        """A run of all jobs."""
        self.forget()
        return cost(lambda: self.snakemake("--cores", CORES, "--scheduler", "greedy"))

    def forget(self) -> None:
        """Remove Snakemake's memory, and the results except what a fresh run may find."""
        shutil.rmtree(self.folder / ".snakemake", ignore_errors=True)
        for path in (self.folder / "results").glob("*"):
            if path.name not in self._kept:
                shutil.rmtree(path)


def ours(folder: Path, datasets: int) -> Workflow:
    """This workflow on given features, every result of which is in its cache.

    The datasets are one tiny file under many names, so all results are there as soon as one job of each kind has run.
    """
    workflow = Workflow(folder, kept=(".cache",))
    for part in PARTS:
        (shutil.copytree if (ROOT / part).is_dir() else shutil.copy)(ROOT / part, folder / part)
    np.savez(folder / "data.npz", features=np.random.default_rng(0).normal(size=(8, 2)), labels=np.arange(8) % 2)
    _configure(folder, 1)
    workflow.snakemake("--cores", "1")
    _configure(folder, datasets)
    return workflow


def _configure(folder: Path, datasets: int) -> None:
    names = {f"data_{number}": {"source": "features", "path": "data.npz"} for number in range(datasets)}
    config = {"datasets": names, "kstar": {"studies": {"all": {"features": "all", "metric": "all"}}}}
    (folder / "config.yaml").write_text(json.dumps(config))  # JSON is YAML


def bare(folder: Path, datasets: int, command: str) -> Workflow:
    """A workflow with the same graph, in which each job is one command."""
    workflow = Workflow(folder)
    (folder / "Snakefile").write_text(BARE.format(datasets=datasets, metrics=METRICS, command=COMMANDS[command]))
    return workflow


def by_turns(count: int, *measured: Callable[[], Cost]) -> list[list[Cost]]:
    """Costs of several things, `count` rounds of them, every other round in reverse order."""
    rounds: list[list[Cost]] = []
    for number in range(count):
        forward = number % 2 == 0
        costs = [measure() for measure in (measured if forward else measured[::-1])]
        rounds.append(costs if forward else costs[::-1])
    return rounds


def row(label: str, rounds: list[list[Cost]], other: int = 1) -> str:
    """A row of the table: medians of the seconds by the clock and of the ratios first to other, and their range."""
    ours, bare = (statistics.median(costs[place].clock for costs in rounds) for place in (0, other))
    ratios = [
        [costs[0].clock / costs[other].clock for costs in rounds],
        [costs[0].processor / costs[other].processor for costs in rounds],
    ]
    shown = [f"**{statistics.median(values):.2f}** ({min(values):.2f} to {max(values):.2f})" for values in ratios]
    return f"| {label} | {len(rounds)} | {ours:.2f} | {bare:.2f} | {' | '.join(shown)} |"


def compare(folder: Path, jobs: int) -> None:
    """Print the rows of one number of jobs."""
    datasets = jobs // JOBS_PER_DATASET
    workflow = ours(folder / f"ours-{jobs}", datasets)
    others = [bare(folder / f"bare-{number}-{jobs}", datasets, command) for number, command in enumerate(COMMANDS)]
    runs, asks = ROUNDS.get(jobs, (1, 3))
    rounds = by_turns(runs, workflow.run, *(other.run for other in others))
    for place, command in enumerate(COMMANDS, start=1):
        print(row(f"run of {jobs} jobs; bare: `{command}`", rounds, place), flush=True)
    print(row(f"`-n` after {jobs} jobs", by_turns(asks, workflow.ask, others[0].ask)), flush=True)


def copy_out(folder: Path, count: int, *, from_memory: bool) -> list[list[Cost]]:
    """Restoring one artifact from the cache against `cp` of the same bytes, which are in memory or only on the disk."""
    artifact, restored, copied = (folder / name for name in ("artifact", "restored", "copied"))
    artifact.write_bytes(os.urandom(COPIED_BYTES))
    cache = ActionCache(folder / "cache")
    action = cache.store("0" * 64, {"artifact": artifact}, {"verb": "bench"})
    kept = object_file(folder / "cache", action.outputs["artifact"])

    def prepare() -> None:
        for copy in (restored, copied):
            copy.unlink(missing_ok=True)
        for source in (artifact, kept):
            _read(source) if from_memory else _forget_in_memory(source)

    def restore() -> Cost:
        prepare()
        seconds = cost(lambda: cache.restore("0" * 64, action, {"artifact": restored}))
        if not restored.is_file():
            raise RuntimeError("the artifact was not restored")
        return seconds

    def copy() -> Cost:
        prepare()
        return cost(lambda: subprocess.run(["cp", "--reflink=never", artifact, copied], check=True))

    return by_turns(count, restore, copy)


def _read(file: Path) -> None:
    with file.open("rb", buffering=0) as content:
        while content.read(1 << 20):
            pass


def _forget_in_memory(file: Path) -> None:
    """Write a file to the disk and let the system forget its bytes."""
    with file.open("rb+") as content:
        os.fsync(content.fileno())
        os.posix_fadvise(content.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Overhead of the workflow against a bare one.")
    parser.add_argument("--jobs", type=int, nargs="*", default=[100, 1000], help="sizes to compare at")
    parser.add_argument("--no-copy", action="store_true", help="leave out the artifact of 1 GB")
    options = parser.parse_args()
    print("| what | rounds | ours, s | bare, s | ratio of clock times | of processor times |", flush=True)
    print("|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for jobs in options.jobs:
            compare(Path(folder), jobs)
        if not options.no_copy:
            for place, from_memory in (("memory", True), ("the disk", False)):
                rounds = copy_out(Path(folder), 7, from_memory=from_memory)
                print(row(f"1 GB restored, from {place}; bare: `cp`", rounds), flush=True)


if __name__ == "__main__":
    main()
