"""Explain why jobs would run, before they do: `latent-atlas why`.

The plan is compared with the record of each result. No job runs and no result is changed.
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
from workflow_lib.runner.records import comparable, is_unfinished
from workflow_lib.runner.units import Unit

MISSING = "not there yet"
"""Reason for a job whose outputs are missing and that has not changed otherwise."""
CUT_OFF = "a job was killed while it wrote this result"
"""Reason for a job whose publication was cut off."""
FOLLOWING = "input: remade by the jobs above; if the result is identical, nothing is computed"
UNKNOWN = "not known, its record is missing or damaged"
SEEN_BY_CHECK = ("layers", "heads", "predictions", "map", "stages")
"""Settings of the check of a network that do not start it: the trainings that wait for it would start, too."""


@dataclass(frozen=True)
class Answer:
    """Jobs that would run, with reasons.

    Attributes:
        jobs: all jobs needed, each after the jobs that make its inputs.
        reasons: by job name, for jobs with their own reason: changed settings, code or inputs, or missing outputs.
        following: names of jobs that run only because an input will be remade.
        unknown: names of jobs whose outputs exist, but without a record that can be compared.
    """

    jobs: Sequence[PlannedJob]
    reasons: Mapping[str, list[str]]
    following: Collection[str]
    unknown: Collection[str]


def explain(plan: Plan, targets: Iterable[str] | None = None) -> Answer:
    """Compare a plan with the records of existing results.

    Args:
        plan: the plan of the run.
        targets: requested artifacts; None for those of plain `snakemake`.
    """
    asked = list(all_targets.default(plan) if targets is None else targets)
    jobs = upstream(plan, asked)
    missing = {job.name: [path for path in job.makes if not Path(path).exists()] for job in jobs}
    runs = {job.name: job.run(plan, "cpu") for job in jobs}
    records = {name: _recorded(run) for name, run in runs.items()}
    reasons = {job.name: lines for job in jobs if (lines := _differences(plan, job, runs[job.name], records[job.name]))}
    for job in jobs:
        if any(is_unfinished(Path(path), Path(plan.results)) for path in job.makes):
            reasons.setdefault(job.name, [CUT_OFF])
    running = _running(jobs, set(reasons), missing, asked)
    reasons |= {name: [MISSING] for name in running - set(reasons) if missing[name]}
    unknown = {job.name for job in jobs if not missing[job.name] and not records[job.name]} - running
    return Answer(jobs, reasons, running - set(reasons), unknown)


def outdated(answer: Answer) -> list[str]:
    """One artifact of each job whose results were made with settings, code or inputs that differ from the plan.

    Snakemake finds such changes with its metadata in `.snakemake`. It finds none if that folder was deleted or not
    copied, if results were restored from elsewhere, or if a job now has an additional output. The records cover all of
    these cases.
    """
    return [job.makes[0] for job in answer.jobs if answer.reasons.get(job.name, [MISSING]) != [MISSING]]


def _recorded(run: Job) -> list[tuple[Unit, dict[str, Any]]]:
    """Units of a job that have a record, with their records."""
    return [(unit, record) for unit in run.units if (record := comparable(unit.outputs.values(), run.results))]


def _differences(plan: Plan, job: PlannedJob, run: Job, recorded: Iterable[tuple[Unit, dict[str, Any]]]) -> list[str]:
    """Changes since a job's outputs were made; inputs are compared only if settings and code are the same."""
    lines: list[str] = []
    for unit, record in recorded:
        if job.verb == "check_network":
            run, unit = _as_passed(run, unit, record)
        settings = changed_settings(plan.config, job, record["spec"], unit.spec)
        code = changed_code(job.verb, run.code, record)
        lines += settings + code or changed_inputs(run, unit, record)
    return list(dict.fromkeys(lines))


def _as_passed(run: Job, unit: Unit, record: Mapping[str, Any]) -> tuple[Job, Unit]:
    """A check with code, layers, predictions and studies as it passed: these alone do not start it again."""
    kept = {key: value for key, value in unit.spec.items() if key not in SEEN_BY_CHECK}
    passed = {key: value for key, value in record["spec"].items() if key in SEEN_BY_CHECK}
    return run._replace(code=record["code"]), unit._replace(spec={**kept, **passed})


def _running(
    jobs: Sequence[PlannedJob], differing: set[str], missing: Mapping[str, list[str]], asked: Sequence[str]
) -> set[str]:
    """Names of the jobs that run.

    These are jobs with differences, jobs of missing requested artifacts, jobs that depend on them, and jobs that make
    their missing inputs. A missing input is not remade if all outputs that depend on it exist and are current.
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
    """Text with one line per reason and the jobs that share it."""
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
    """Jobs grouped by verb, in order of first appearance."""
    groups: dict[str, list[PlannedJob]] = {}
    for job in jobs:
        groups.setdefault(job.verb, []).append(job)
    return list(groups.values())


def _counted(jobs: Sequence[PlannedJob]) -> str:
    """Text with the verb, the subjects and the number of these jobs."""
    subjects = ", ".join(dict.fromkeys(job.subject for job in jobs))
    return f"{jobs[0].verb} {subjects} ({len(jobs)} job{'s' if len(jobs) > 1 else ''})"


def _first_missing(jobs: Sequence[PlannedJob]) -> str:
    return next(path for path in jobs[0].makes if not Path(path).exists())
