"""The state of a run, from the events that Snakemake logs and what the running steps have written so far."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workflow_lib.live.failures import Failure, failure, newest_line
from workflow_lib.plan.forecast import STAGES, Forecast, Step, stage

STOPPED = ("Terminating processes on user request", "Cancelling snakemake on user request")
NOTHING = "Nothing to be done"
UNKNOWN_SECONDS = 1.0
"""Weight of a step that was not foreseen, such as one that the user forces."""
FORESEEN = 30.0
"""Seconds of work from which on what was measured counts more than the forecast: the first steps say little."""


@dataclass
class Running:
    """A job of Snakemake that runs: what it does, since when, and the steps, logs and outputs that it has."""

    what: str
    since: float
    steps: Sequence[str]
    logs: Sequence[str]
    outputs: Sequence[str]
    share: float = 0.0
    said: str = ""


@dataclass
class State:
    """The state of a run.

    Attributes:
        forecast: what the run is going to do.
        began: when its first job started; None before that.
        done: names of steps that are done.
        ended: stages of which nothing is left.
        open: number of steps of each stage that are not done; kept, because a run may have many thousand steps.
        running: by the number of the job.
        failures: by the number of the job; a job that succeeds at its second attempt leaves the list.
        measured: seconds foreseen and seconds taken by the jobs that ended, by stage.
        first_figure: path of the first figure of this run.
        stopped: whether the user has stopped the run.
        nothing: whether there is nothing to do.
    """

    forecast: Forecast = field(default_factory=Forecast)
    began: float | None = None
    cores: int = 1
    done: set[str] = field(default_factory=set)
    ended: list[str] = field(default_factory=list)
    open: Counter[str] = field(default_factory=Counter)
    running: dict[int, Running] = field(default_factory=dict)
    failures: dict[int, Failure] = field(default_factory=dict)
    measured: dict[str, tuple[float, float]] = field(default_factory=dict)
    first_figure: str = ""
    stopped: bool = False
    nothing: bool = False

    def take(self, event: str | None, fields: Mapping[str, Any], now: float) -> None:
        """Change the state by an event of Snakemake, with its fields, at this time in seconds."""
        if found := fields.get("forecast"):
            self._expect(found)
        elif event == "resources_info":
            self.cores = fields.get("cores") or self.cores
        elif event == "run_info":
            self._keep(fields["stats"])
        elif event == "job_info" and fields["log"]:
            self._start(fields, now)
        elif event == "job_finished":
            self._finish(fields["job_id"], now)
        elif event == "job_error":
            self._fail(fields)
        elif event is None:
            said = str(fields.get("msg"))
            self.stopped |= said.startswith(STOPPED)
            self.nothing |= said.startswith(NOTHING)

    def _keep(self, stats: Mapping[str, int]) -> None:
        """Forget steps whose rules do not take part, as with `--until`."""
        rules = {re.sub(r"_\d+$", "", rule) for rule in stats}
        steps = {name: step for name, step in self.forecast.steps.items() if step.rule in rules}
        self._expect(replace(self.forecast, steps=steps))

    def _expect(self, found: Forecast) -> None:
        self.forecast = found
        self.open = Counter(step.stage for step in found.steps.values())

    def _start(self, fields: Mapping[str, Any], now: float) -> None:
        self.began = now if self.began is None else self.began
        logs = fields["log"]
        steps = [log.partition("logs/")[2].removesuffix(".log") for log in logs]
        for name in steps:
            if name not in self.forecast.steps:
                place = stage(name.partition("/")[0])
                self.forecast.steps[name] = Step(place, fields["rule_name"], UNKNOWN_SECONDS)
                self.open[place] += 1
        what = fields["rule_msg"] or fields["rule_name"]
        self.running[fields["jobid"]] = Running(what, now, steps, logs, fields["output"])

    def _finish(self, number: int, now: float) -> None:
        self.failures.pop(number, None)
        job = self.running.pop(number, None)
        if job is None:
            return
        new = Counter(self.forecast.steps[name].stage for name in job.steps if name not in self.done)
        self.done.update(job.steps)
        self.open -= new  # keeps only what is above 0
        self.ended += [place for place in new if not self.open[place]]
        place = self.stage_of(job)
        foreseen, taken = self.measured.get(place, (0.0, 0.0))
        self.measured[place] = (foreseen + self.seconds(job.steps), taken + now - job.since)
        if not self.first_figure:
            self.first_figure = next((path for path in job.outputs if path.endswith(".svg")), "")

    def _fail(self, fields: Mapping[str, Any]) -> None:
        job = self.running.pop(fields["jobid"], None)
        if job is not None and not self.stopped:
            self.failures[fields["jobid"]] = failure(job.what, fields["log"])

    def seconds(self, names: Sequence[str]) -> float:
        """Seconds foreseen for steps."""
        return sum(self.forecast.steps[name].seconds for name in names)

    def stage_of(self, job: Running) -> str:
        """Stage of a job; all its steps have the same, or nearly."""
        return self.forecast.steps[job.steps[0]].stage

    def look(self) -> None:
        """Read how far the running jobs are: which outputs are there, and what the newest log says."""
        for job in self.running.values():
            there = sum(_is_newer(path, job.since) for path in job.outputs)
            job.share = there / len(job.outputs) if len(job.outputs) > 1 else 0.0
            job.said = newest_line(job.logs, job.since)


def _is_newer(path: str, since: float) -> bool:
    try:
        return Path(path).stat().st_mtime >= since
    except OSError:
        return False


@dataclass(frozen=True)
class Row:
    """A stage of a run: its steps, and seconds that are over and that are left, as far as they are known."""

    stage: str
    done: int
    steps: int
    over: float
    left: float


def rows(state: State, now: float) -> list[Row]:
    """The stages of a run, in their order; what is left is corrected by what was measured in this run."""
    foreseen, taken = (sum(pair[i] for pair in state.measured.values()) for i in (0, 1))
    common = _rate(taken, foreseen, 1.0)
    steps: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    left: dict[str, float] = dict.fromkeys(STAGES, 0.0)
    for name, step in state.forecast.steps.items():
        steps[step.stage] += 1
        ended[step.stage] += name in state.done
        left[step.stage] += 0.0 if name in state.done else step.seconds
    found = []
    for place in STAGES:
        before, over = state.measured.get(place, (0.0, 0.0))
        rate = _rate(over, before, common)
        jobs = [job for job in state.running.values() if state.stage_of(job) == place]
        begun = sum(_seconds_over(job, state.seconds(job.steps) * rate, now) for job in jobs)
        if steps[place]:
            ended[place] += sum(int(job.share * len(job.steps)) for job in jobs)
            found.append(Row(place, ended[place], steps[place], over + begun, max(left[place] * rate - begun, 0.0)))
    return found


def _rate(over: float, foreseen: float, known: float) -> float:
    """Seconds that work takes for each second foreseen: `known` at first, more and more what was measured."""
    return (over + FORESEEN * known) / (foreseen + FORESEEN)


def _seconds_over(job: Running, seconds: float, now: float) -> float:
    """Seconds of a running job that are over, of those foreseen: by its outputs, else by the clock, but never all."""
    return max(job.share * seconds, min(now - job.since, 0.9 * seconds))


def seconds_left(state: State, found: Sequence[Row]) -> float | None:
    """Seconds until the end; None until something was measured."""
    if not state.measured:
        return None
    together = max(1, min(state.cores, sum(row.steps - row.done for row in found)))
    return sum(row.left for row in found) / together
