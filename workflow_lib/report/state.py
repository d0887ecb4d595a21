"""Which tables and figures of a plan exist, are outdated or are missing, and which jobs failed."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from workflow_lib.plan.outputs import Output
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.study import StudyPlan
from workflow_lib.plan.why import MISSING, Answer, explain

FAILED = re.compile(r"^\w+: \d+ problems?:$|^Traceback \(most recent call last\):$", re.MULTILINE)
"""What the log of a failed job says; that of a killed one says nothing."""
LAST_LINES = 12
FOLLOWS = "It was made from results that have changed, or that the next run makes again"
UNKNOWN = "Its record is missing or damaged, so whether it is up to date is not known"

Kind = Literal["current", "outdated", "missing"]


@dataclass(frozen=True)
class Status:
    """Whether an output is there, and whether a run would make it again.

    Attributes:
        kind: whether it is up to date, as far as is known; made before a change; or not there.
        reasons: why it is outdated, or that this is not known because its record is missing.
    """

    kind: Kind
    reasons: Sequence[str] = ()


@dataclass(frozen=True)
class Failure:
    """A job that failed when it last ran.

    Attributes:
        job: its name.
        log: path of its log.
        end: last lines of the log.
    """

    job: str
    log: str
    end: str


class State:
    """The state of all outputs of a plan, from the records beside the results."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.answer: Answer = explain(plan)
        self._jobs = {path: job.name for job in self.answer.jobs for path in job.makes}
        self._changes: dict[str, list[str]] = {}
        for job in self.answer.jobs:  # each after those that make its inputs
            own = [reason for reason in self.answer.reasons.get(job.name, []) if reason != MISSING]
            follows = any(self._jobs[path] in self._changes for path in job.needs)
            if own or follows:
                self._changes[job.name] = own or [FOLLOWS]

    def of(self, study: StudyPlan, output: Output) -> Status:
        """The status of all files of an output together."""
        files = study.files(output).values()
        if not all(Path(path).is_file() for path in files):
            return Status("missing")
        return self.of_file(next(iter(files)))

    def of_file(self, path: str | Path) -> Status:
        """The status of one file of a study."""
        return self._of_job(self._jobs[str(path)]) if Path(path).is_file() else Status("missing")

    @property
    def outdated(self) -> set[str]:
        """Paths of results that a run would make again although they are there."""
        old = {name for name, reasons in self.answer.reasons.items() if reasons != [MISSING]} | {*self.answer.following}
        return {path for job in self.answer.jobs if job.name in old for path in job.makes}

    @property
    def due(self) -> int:
        """How many jobs the next run would start."""
        return len(self.answer.reasons) + len(self.answer.following)

    @cached_property
    def failures(self) -> list[Failure]:
        """Jobs that still have to run, and whose log ends with an error."""
        due = {*self.answer.reasons, *self.answer.following}
        logs = ((job.name, self._plan.path(f"logs/{job.name}.log")) for job in self.answer.jobs if job.name in due)
        return [Failure(name, log, end) for name, log in logs if (end := _end_of_failed(Path(log)))]

    def _of_job(self, name: str) -> Status:
        if name in self._changes:
            return Status("outdated", self._changes[name])
        return Status("current", [UNKNOWN] if name in self.answer.unknown else [])


def worst(statuses: Iterable[Status]) -> Status:
    """The status of several outputs together."""
    order: Sequence[Kind] = ("current", "outdated", "missing")
    return max(statuses, key=lambda status: order.index(status.kind), default=Status("current"))


def _end_of_failed(log: Path) -> str:
    """The last lines of the log of a failed job; "" if there is no log or it says nothing of a failure."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.rstrip().splitlines()[-LAST_LINES:]) if FAILED.search(text) else ""
