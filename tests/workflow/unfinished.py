"""A finished project of which some jobs must run again, and how it is finished and compared."""

import functools
import hashlib
import json
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import own_project
from killing import locks
from outcome import Outcome
from project import Project, Run

from workflow_lib.cache.actions import action_file, scratch_folders
from workflow_lib.cache.pruning import prune
from workflow_lib.runner.records import record_path

DETAIL = 1500
"""Characters of the output of a run that failed."""


@dataclass(frozen=True)
class Node:
    """A job in the graph of all jobs: paths that it makes and needs."""

    makes: list[str]
    needs: set[str]


@dataclass(frozen=True)
class Work:
    """What must run.

    Attributes:
        base: the finished project.
        project: copy of it without some results, their records, and what the cache knows of them.
        targets: what Snakemake is asked for.
        cores: for Snakemake.
        seconds: usual time of the longest of the first jobs.
        outputs: number of outputs of one of them.
    """

    base: Project
    project: Project
    targets: list[str]
    cores: int
    seconds: float
    outputs: int


def unfinished(finished: Project, folder: Path, verb: str, rng: random.Random) -> Work:
    """A copy without one or two jobs of a verb, and without what leads from each of them to a final result."""
    base = finished if jobs_of(finished, verb) else own_project.made_beside(finished)
    names, graph = jobs_of(base, verb), _graph(base.folder)
    if not names:
        raise ValueError(f"{verb} runs neither in the miniature nor in own_project.py: give it a place there")
    cores = rng.choice([1, 1, 2])
    first = rng.sample(names, min(cores, len(names)))
    ways = [_way(graph, job, rng) for job in first]
    project = base.copy(folder, cores=cores)
    for path in {path for way in ways for job in way for path in graph[job].makes}:
        record = record_path(folder / path, folder / "results")
        action_file(folder / "results" / ".cache", json.loads(record.read_bytes())["key"]).unlink(missing_ok=True)
        record.unlink()
        (folder / path).unlink()
    targets = sorted({graph[way[-1]].makes[0] for way in ways})
    seconds = max(_usual_seconds(base, job) for job in first)
    return Work(base, project, targets, cores, seconds, len(graph[first[0]].makes))


def jobs_of(base: Project, verb: str) -> list[str]:
    """Names of all jobs of a verb."""
    return [name for name in _graph(base.folder) if name.startswith(f"{verb}/")]


@functools.cache
def _graph(folder: Path) -> dict[str, Node]:
    """All jobs of a finished project: outputs from its plan, inputs from its records."""
    graph = {}
    for name, makes in Project(folder).forecast().jobs.items():
        records = [json.loads((record_path(folder / path, folder / "results")).read_bytes()) for path in makes]
        graph[name] = Node(makes, {path for record in records for path in record["inputs"].values()})
    return graph


def _way(graph: Mapping[str, Node], job: str, rng: random.Random) -> list[str]:
    """A job, one that reads what it makes, one that reads that, … until nothing follows."""
    way = [job]
    while followers := [name for name, node in graph.items() if node.needs & set(graph[way[-1]].makes)]:
        way.append(rng.choice(followers))
    return way


def _usual_seconds(base: Project, job: str) -> float:
    return float((base.folder / "results" / "benchmarks" / f"{job}.tsv").read_text().splitlines()[1].split()[0])


def unlock(project: Project) -> None:
    """What Snakemake tells its users to do when it finds a lock."""
    if locks(project):
        run = project.snakemake("--unlock")
        assert run.code == 0, run.output


def resume(work: Work) -> Run:
    """Run Snakemake again as a user would."""
    unlock(work.project)
    return work.project.snakemake(*work.targets)


def compare(
    name: str, project: Project, whole: Mapping[str, bytes], resumed: Run, told: str, wrong: list[str]
) -> Outcome:
    """Compare everything that is there with what must be there.

    Args:
        name: of the case.
        project: after its last run.
        whole: bytes of every artifact, from a project that was not disturbed.
        resumed: the last run.
        told: what was done before it.
        wrong: what is known to be wrong already.
    """
    found = project.results()
    if resumed.code:
        wrong.append(f"the next run ended with {resumed.code}: {resumed.output[-DETAIL:]}")
    wrong += [
        f"{path} is {'other' if path in found else 'missing'}" for path in whole if found.get(path) != whole[path]
    ]
    wrong += [f"{path} is new" for path in found.keys() - whole.keys()]
    wrong += [f"the record of {p} is another's" for p, data in found.items() if not _is_recorded(project, p, data)]
    swept = _prune_as_a_day_later(project)
    wrong += [f"left behind: {path}" for path in [*half_made(project), *locks(project)]]
    parts = [told, f"then {len(resumed.computed)} jobs computed, {len(resumed.restored)} restored"]
    parts += [f"{len(whole)} artifacts equal"] + (
        [f"{swept} scratch folders left to latent-atlas cache prune"] if swept else []
    )
    return Outcome(name, not wrong, "; ".join(parts), "\n".join(wrong))


def _is_recorded(project: Project, path: str, data: bytes) -> bool:
    file = record_path(project.folder / "results" / path, project.folder / "results")
    return file.exists() and json.loads(file.read_bytes())["digest"] == hashlib.sha256(data).hexdigest()


def half_made(project: Project) -> list[Path]:
    """Scratch folders of jobs, files of runs, and whatever is hidden."""
    results = project.folder / "results"
    hidden = [path for path in results.rglob(".*") if path.name not in (".cache", ".scratch", ".runs")]
    return [*(results / ".scratch").glob("*"), *(results / ".runs").glob("*"), *hidden]


def _prune_as_a_day_later(project: Project) -> int:
    """Let latent-atlas cache prune remove what is half written in the cache; says how much there was."""
    cache = project.folder / "results" / ".cache"
    left = list(scratch_folders(cache))
    for folder in left:
        os.utime(folder, times=(0, 0))
    prune(cache, budget=10**12)
    return len(left)
