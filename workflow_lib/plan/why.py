"""Why would a job run? `latent-atlas why` says so before anything does.

The plan is compared with the record beside each result; nothing is run, no result is touched.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_lib.plan import targets as all_targets
from workflow_lib.plan.changes import changed_code, changed_inputs, changed_settings
from workflow_lib.plan.jobs import PlannedJob, upstream
from workflow_lib.plan.plan import Plan
from workflow_lib.runner.job import Job
from workflow_lib.runner.records import comparable
from workflow_lib.runner.units import Unit

MISSING = "not there yet"
"""Reason of a job whose outputs are missing while nothing else about it has changed."""
FOLLOWING = "input: made anew by jobs named above; where it comes out equal, nothing is computed"
UNKNOWN = "not known, its record is missing or damaged"


@dataclass(frozen=True)
class Answer:
    """What would run and why.

    Attributes:
        jobs: all jobs of the plan, each after those that make its inputs.
        reasons: for each job with a reason of its own, by name: the settings, code, inputs or outputs.
        following: names of jobs that run only because an input will be made anew.
        unknown: names of jobs whose outputs are there without a record that could be compared.
    """

    jobs: Sequence[PlannedJob]
    reasons: Mapping[str, list[str]]
    following: Collection[str]
    unknown: Collection[str]


def explain(plan: Plan, targets: Iterable[str] | None = None) -> Answer:
    """Compare a plan with the records of what is below `results`.

    Args:
        plan: what shall be there.
        targets: artifacts asked for; None takes those of plain `snakemake`.
    """
    asked = list(all_targets.default(plan) if targets is None else targets)
    jobs = upstream(plan, asked)
    missing = {job.name: [path for path in job.makes if not Path(path).exists()] for job in jobs}
    runs = {job.name: job.run(plan, "cpu") for job in jobs}
    records = {name: _recorded(run) for name, run in runs.items()}
    reasons = {job.name: lines for job in jobs if (lines := _differences(plan, job, runs[job.name], records[job.name]))}
    running = _running(jobs, set(reasons), missing, asked)
    reasons |= {name: [MISSING] for name in running - set(reasons) if missing[name]}
    unknown = {job.name for job in jobs if not missing[job.name] and not records[job.name]} - running
    return Answer(jobs, reasons, running - set(reasons), unknown)


def outdated(plan: Plan, asked: Iterable[str]) -> list[str]:
    """One artifact of each job whose results were made with other settings, code or inputs than those of the plan.

    Snakemake compares these with what it remembers in `.snakemake`. It compares nothing where that was deleted or left
    behind, where results were put back from elsewhere, or where a job makes one file more than before. Records always
    tell.

    Args:
        plan: what shall be there.
        asked: artifacts that are wanted.
    """
    answer = explain(plan, asked)
    return [job.makes[0] for job in answer.jobs if answer.reasons.get(job.name, [MISSING]) != [MISSING]]


def _recorded(run: Job) -> list[tuple[Unit, dict[str, Any]]]:
    """The outputs of a job, as units, that have a record, with that record."""
    return [(unit, record) for unit in run.units if (record := comparable(unit.outputs.values(), run.results))]


def _differences(plan: Plan, job: PlannedJob, run: Job, recorded: Iterable[tuple[Unit, dict[str, Any]]]) -> list[str]:
    """What differs from the records of a job's outputs; inputs count only while settings and code are the same."""
    lines: list[str] = []
    for unit, record in recorded:
        settings = changed_settings(plan.config, job, record["spec"], unit.spec)
        code = changed_code(job.verb, run.code, record)
        lines += settings + code or changed_inputs(run, unit, record)
    return list(dict.fromkeys(lines))


def _running(
    jobs: Sequence[PlannedJob], differing: set[str], missing: Mapping[str, list[str]], asked: Sequence[str]
) -> set[str]:
    """Names of the jobs that run: what differs or is asked for and missing, what follows, and what these lack.

    A missing input of outputs that are all there is not made again, as long as nothing needs it.
    """
    maker = {path: job.name for job in jobs for path in job.makes}
    running = differing | {maker[path] for path in asked if path in missing[maker[path]]}
    size = -1
    while size != len(running):
        size = len(running)
        for job in jobs:
            if any(maker[path] in running for path in job.needs):
                running.add(job.name)
        for job in reversed(jobs):
            if job.name in running:
                running |= {maker[path] for path in job.needs if path in missing[maker[path]]}
    return running


def describe(answer: Answer) -> str:
    """The answer as text: a line for each reason, with the jobs that share it."""
    count = len(answer.reasons) + len(answer.following)
    lines = [f"{count} of {len(answer.jobs)} jobs would run." if count else "Nothing would run."]
    shared: dict[str, list[PlannedJob]] = {}
    for job in answer.jobs:
        for reason in answer.reasons.get(job.name, []):
            shared.setdefault(reason, []).append(job)
    for reason, jobs in shared.items():
        for group in _by_verb(jobs):
            example = f", such as {_first_missing(group)}" if reason == MISSING else ""
            lines.append(f"{_counted(group)}: {reason}{example}")
    for names, text in ((answer.following, FOLLOWING), (answer.unknown, UNKNOWN)):
        if names:
            groups = _by_verb(job for job in answer.jobs if job.name in names)
            lines.append(f"{', '.join(map(_counted, groups))}: {text}")
    return "\n".join(lines)


def _by_verb(jobs: Iterable[PlannedJob]) -> list[list[PlannedJob]]:
    """Jobs of the same verb together, in the order in which each verb first comes."""
    groups: dict[str, list[PlannedJob]] = {}
    for job in jobs:
        groups.setdefault(job.verb, []).append(job)
    return list(groups.values())


def _counted(jobs: Sequence[PlannedJob]) -> str:
    """One verb, what its jobs are about, and how many there are."""
    subjects = ", ".join(dict.fromkeys(job.subject for job in jobs))
    return f"{jobs[0].verb} {subjects} ({len(jobs)} job{'s' if len(jobs) > 1 else ''})"


def _first_missing(jobs: Sequence[PlannedJob]) -> str:
    return next(path for path in jobs[0].makes if not Path(path).exists())
