"""A finished project of which some jobs must run again, and how it is finished and compared."""

import hashlib
import json
import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import approximate_project
import examined_project
import own_project
import relations_project
import text_project
import warm_project
from killing import locks
from outcome import Outcome, misfits
from project import MINIATURE, Project, Run, planned

from workflow_lib.cache.actions import action_file, scratch_folders
from workflow_lib.cache.pruning import prune
from workflow_lib.plan.jobs import PlannedJob
from workflow_lib.runner.records import record_path

START = 2.0
"""Seconds from the start of a process to that of its step."""
BESIDE = {
    own_project: (),
    examined_project: (),
    approximate_project: ("arrays",),
    relations_project: (),
    text_project: (),
    warm_project: (),
}
"""Projects with jobs that the miniature has not, and the stages that they make only when asked."""


@dataclass(frozen=True)
class Work:
    """A copy of a finished project that lacks some results, their records, and what the cache knows of them.

    Snakemake is asked for `targets`; `seconds` is the usual time of the longest of the first jobs, `outputs` the number
    of outputs of one of them.
    """

    base: Project
    project: Project
    targets: list[str]
    cores: int
    seconds: float
    outputs: int


def unfinished(finished: Project, folder: Path, verb: str, rng: random.Random) -> Work:
    """A copy without one or two jobs of a verb, and without what leads from each of them to a final result."""
    base, jobs = _base(finished, verb)
    mine = [job for job in jobs if job.verb == verb]
    cores = rng.choice([1, 1, 2])
    first = rng.sample(mine, min(cores, len(mine)))
    chains = [_chain(jobs, job, rng) for job in first]
    project = base.copy(folder, cores=cores)
    for path in {path for chain in chains for job in chain for path in job.makes}:
        record = record_path(folder / path, folder / "results")
        action_file(folder / "results" / ".cache", json.loads(record.read_bytes())["key"]).unlink(missing_ok=True)
        record.unlink()
        (folder / path).unlink()
    targets = sorted({chain[-1].makes[0] for chain in chains})
    return Work(base, project, targets, cores, max(_usual_seconds(base, job) for job in first), len(first[0].makes))


def _base(finished: Project, verb: str) -> tuple[Project, Sequence[PlannedJob]]:
    """The first finished project that has jobs of a verb, and all its jobs."""
    other, jobs = place_of(verb)
    return other.made_beside(finished) if other else finished, jobs


def place_of(verb: str) -> tuple[ModuleType | None, Sequence[PlannedJob]]:
    """The first project that has jobs of a verb, None for the miniature, and all its jobs."""
    beside = [(other, other.CONFIG, stages) for other, stages in BESIDE.items()]
    for other, config, stages in [(None, MINIATURE, ()), *beside]:
        jobs = planned(config, *stages)
        if any(job.verb == verb for job in jobs):
            return other, jobs
    raise ValueError(f"{verb} runs in no base project: give it a place in one")


def _chain(jobs: Sequence[PlannedJob], job: PlannedJob, rng: random.Random) -> list[PlannedJob]:
    """A job, one that reads what it makes, one that reads that, … until nothing follows."""
    chain = [job]
    while followers := [other for other in jobs if set(other.needs) & set(chain[-1].makes)]:
        chain.append(rng.choice(followers))
    return chain


def _usual_seconds(base: Project, job: PlannedJob) -> float:
    """Time that the step took, and its start."""
    record = record_path(base.folder / job.makes[0], base.folder / "results")
    return START + float(json.loads(record.read_bytes())["seconds"])


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
    project: Project, whole: Mapping[str, bytes], resumed: Run, told: str, wrong: Sequence[str] = ()
) -> Outcome:
    """Compare everything that is there with what must be there.

    Args:
        project: after its last run.
        whole: bytes of every artifact of a project that was not disturbed.
        resumed: the last run.
        told: what was done before it.
        wrong: what is known to be wrong already.
    """
    ended = [f"the next run ended with {resumed.code}: {resumed.output[-1500:]}"] if resumed.code else []
    strange = [f"the record of {p} is another's" for p, data in project.results().items() if not _own(project, p, data)]
    swept = _prune_as_a_day_later(project)
    locked = [f"left behind: {path}" for path in locks(project)]
    summary = f"{told}; then {len(resumed.computed)} jobs computed, {len(resumed.restored)} restored"
    summary += f"; {swept} scratch folders left to latent-atlas cache prune" if swept else ""
    return Outcome(summary, [*wrong, *ended, *strange, *misfits(project, whole), *locked])


def _own(project: Project, path: str, data: bytes) -> bool:
    """Whether a result is the one of which its record tells."""
    file = record_path(project.folder / "results" / path, project.folder / "results")
    return file.exists() and json.loads(file.read_bytes())["digest"] == hashlib.sha256(data).hexdigest()


def _prune_as_a_day_later(project: Project) -> int:
    """Let the cache be pruned of what is half written; says how much there was."""
    cache = project.folder / "results" / ".cache"
    left = list(scratch_folders(cache))
    for folder in left:
        os.utime(folder, times=(0, 0))
    prune(cache, budget=10**12)
    return len(left)
