"""Bundles: jobs that Snakemake starts as one, in one process, because starting costs more than most of them.

A bundle has the jobs of one point, such as all intervals of a training, or all figures of a study. Each job keeps its
own outputs, cache key, record and log. Jobs that are due, jobs that are not, and jobs that this run does not need are
never in the same bundle, so Snakemake starts only what is due.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from workflow_lib.plan.changes import newer
from workflow_lib.plan.jobs import PlannedJob, all_jobs, job_of
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.why import Answer
from workflow_lib.runner.job import BESIDE

POINT = "{point}"
LARGEST = {"extract_features": 4, "compute_map": 4, "compute_kstar": 12, "approximate_kstar": 12}
"""Most jobs in a bundle, by rule: where jobs can be long, several cores or nodes share them."""
COMPARED = 1_000_000
"""Bytes up to which Snakemake compares contents of inputs whose time stamp is newer."""
MOST = 50
"""Most jobs in any other bundle: a command line is limited to 128 KiB."""
OF_CHECKPOINTS = ("extract_features", "compute_kstar", "approximate_kstar", "count_neighbours", "compute_map")
"""Verbs of jobs that can be asked for beyond those of the studies, such as another layer or metric."""


class Shape(NamedTuple):
    """Outputs of a bundle, which the rule of all bundles of this shape has.

    Attributes:
        rule: what its jobs have in common; the rule has this name, or a longer one if there are several shapes.
        outputs: their paths below the folder of results, with `{point}`; with the point itself for trainings of a
            confusion study.
        logs: those of their logs, below `logs`.
    """

    rule: str
    outputs: tuple[str, ...]
    logs: tuple[str, ...]


@dataclass(frozen=True)
class Bundle:
    """Jobs that run in one process, one after another, each after those that make its inputs.

    Trainings of a confusion study run as one (`runner.job.joined`), but keep their own cache keys and records.
    """

    plan: Plan
    jobs: Sequence[PlannedJob]

    @cached_property
    def makes(self) -> list[str]:
        """All paths that the jobs write."""
        return [path for job in self.jobs for path in job.makes]

    @cached_property
    def needs(self) -> list[str]:
        """All paths that must exist before the first job starts."""
        made = set(self.makes)
        return [path for path in dict.fromkeys(path for job in self.jobs for path in job.needs) if path not in made]

    def words(self) -> list[str]:
        """Command-line words that run the jobs, without what is the same for all."""
        return [word for job in self.jobs for word in (BESIDE, *job.words(self.plan))]


def shapes(plan: Plan, answer: Answer, one_gpu: bool = False) -> dict[Shape, list[str]]:
    """Points of the bundles of each shape; every job that can be bundled, of the plan or asked for, is in one.

    Args:
        plan: the plan of the run.
        answer: which jobs are needed, and which of them would run.
        one_gpu: whether the jobs share one GPU. Then prototypes of all intervals of a network go into one bundle: there
            is nothing to run beside them, and starting takes longer than a set.
    """
    needed, due = {job.name for job in answer.jobs}, {*answer.reasons, *answer.following}
    jobs = all_jobs(plan)
    planned = {job.name for job in jobs}
    jobs += [job for job in answer.jobs if job.name not in planned and job.verb in OF_CHECKPOINTS]
    stale = _stale([job for job in jobs if job.name not in due])
    grouped: dict[tuple[str, str, str, bool, bool], list[PlannedJob]] = {}
    found: dict[Shape, list[str]] = {}
    for job in jobs:
        if not job.bundle:
            continue
        rule, point, apart = job.bundle
        at = point.rpartition("/")[0] if one_gpu and rule == "make_prototypes" else point
        if job.name in stale:
            found.setdefault(_shape(plan, rule, at, [job]), []).append(at)
        else:
            grouped.setdefault((rule, at, apart, job.name in needed, job.name in due), []).append(job)
    for (rule, at, *_, is_due), members in grouped.items():
        most = LARGEST.get(rule, MOST)
        if rule == "train_replicates":
            most = min(most, max(1, plan.seeds_per_job // len(members[0].makes)))
        together = Bundle(plan, members)
        if not is_due and newer(map(Path, together.needs), map(Path, together.makes)):
            most = 1  # an input of one is newer than the output of another, so Snakemake would start all of them
        for start in range(0, len(members), most):
            found.setdefault(_shape(plan, rule, at, members[start : start + most]), []).append(at)
    return found


def bundle(plan: Plan, shape: Shape, at: str) -> Bundle:
    """The bundle of a shape at a point."""
    jobs, made = [], set[str]()
    for path in (plan.path(template.replace(POINT, at, 1)) for template in shape.outputs):
        if path not in made:
            jobs.append(job_of(plan, path))
            made.update(jobs[-1].makes)
    return Bundle(plan, jobs)


def written(found: Iterable[Shape]) -> str:
    """Shapes as text, for the processes that start the jobs of this run on other machines."""
    return json.dumps(list(found))


def read(text: str) -> list[Shape]:
    """Shapes from the text of `written`."""
    return [Shape(rule, tuple(outputs), tuple(logs)) for rule, outputs, logs in json.loads(text)]


def _stale(jobs: Iterable[PlannedJob]) -> set[str]:
    """Names of the jobs that Snakemake would start though they are not due: a large input is newer than an output.

    In a bundle, they would take others with them.
    """
    found, remade = set[str](), set[str]()
    for job in jobs:
        large = [path for path in map(Path, job.reads) if path.exists() and path.stat().st_size > COMPARED]
        if not remade.isdisjoint(job.needs) or newer(large, map(Path, job.makes)):
            found.add(job.name)
            remade.update(job.makes)
    return found


def _shape(plan: Plan, rule: str, at: str, jobs: Sequence[PlannedJob]) -> Shape:
    # Without a wildcard, Snakemake finds the rule of a file by its whole path. With one, it would compare each of many
    # thousand files with the outputs of all rules. No two bundles of trainings can have a rule in common anyway.
    point = at if rule == "train_replicates" else POINT
    outputs = (path.removeprefix(f"{plan.results}/").rpartition(f"/{at}/") for job in jobs for path in job.makes)
    return Shape(
        rule,
        tuple(f"{kind}/{point}/{rest}" for kind, _, rest in outputs),
        tuple(f"{job.verb}/{point}{job.place.removeprefix(at)}.log" for job in jobs),
    )
