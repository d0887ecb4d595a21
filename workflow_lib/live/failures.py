"""What the logs of steps say: why a job has failed, or how far it is."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from workflow_lib.errors import Problem, UserError, listed, write_nearest
from workflow_lib.plan.targets import TARGETS
from workflow_lib.runner.log import SEE

PROBLEMS = re.compile(r"^(?:\w+: )?\d+ problems?:\n.*", re.MULTILINE | re.DOTALL)
TRACEBACK = "Traceback (most recent call last):"
LOST = "could not be made"
"""What a step says whose input another step of the same job failed to make."""
TAIL = 20_000
"""Bytes of a log that are read, from its end."""


class Failure(NamedTuple):
    """A job that failed: what it was to do, why not, and the log that says more; "" if none does."""

    what: str
    cause: str
    log: str


def failure(what: str, logs: Sequence[str]) -> Failure:
    """The failure of a job with these logs, of which the first with a cause counts: later steps lack its output."""
    for log in logs:
        if cause := _cause(tail(log)):
            return Failure(what, cause, log)
    logs = [log for log in logs if tail(log)]
    cause = "ended without a message; it was perhaps killed, for lack of memory or time"
    return Failure(what, cause, logs[-1] if logs else "")


def _cause(text: str) -> str:
    """The problems that a user can solve, or the last line of a traceback; "" if the log has neither."""
    if found := PROBLEMS.search(text):
        return "" if LOST in found[0] else found[0].strip()
    if TRACEBACK in text:
        return text.rpartition(TRACEBACK)[2].strip().splitlines()[-1]
    return ""


def newest_line(logs: Sequence[str], since: float) -> str:
    """Last line of the log that was written to last, after this time; "" if it has none."""
    times = {log: time for log in logs if (time := _time(log)) >= since}
    return (tail(max(times, key=lambda log: times[log])).strip().splitlines() or [""])[-1] if times else ""


def _time(log: str) -> float:
    try:
        return Path(log).stat().st_mtime
    except OSError:
        return 0.0


def tail(log: str) -> str:
    """The end of a log; of the log that it refers to, if it does; "" if there is none."""
    try:
        with Path(log).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return tail(text.removeprefix(SEE).strip()) if text.startswith(SEE) else text


def in_our_words(exception: str, text: str) -> str:
    """An error of Snakemake itself, with what to do where we know it."""
    if exception == "LockException":
        here = Problem(str(Path.cwd()), "", "another run works in this folder, or one was killed", "wait for it to end")
        return f"{here}; if none is alive, call the same command once with --unlock"
    if exception == "MissingRuleException" and (unknown := re.search(r"No rule to produce (.+?) \(if you use", text)):
        return str(UserError(_no_result(unknown[1])))
    return text.strip()


def _no_result(target: str) -> Problem:
    """The problem of a path, or the name of a target, that no rule makes."""
    if "/" in target:
        return Problem(target, "", "the config names no such result", "correct the path, or name its --configfile")
    stages = (*TARGETS, "all")
    return Problem(
        target,
        "",
        f"the targets are {listed(stages)}, and paths of results",
        write_nearest(target, stages, "write one of these"),
    )


def end_words(failures: Mapping[int, Failure]) -> list[str]:
    """Each failure once: what failed, why, and where the log is; jobs that failed alike are told together."""
    alike: dict[str, list[Failure]] = {}
    for each in failures.values():
        alike.setdefault(each.cause, []).append(each)
    found = []
    for cause, jobs in alike.items():
        more = f" and {len(jobs) - 1} more that failed alike" if len(jobs) > 1 else ""
        log = f" (log: {jobs[0].log})" if jobs[0].log else ""
        found += [f"Failed: {jobs[0].what}{more}{log}", cause]
    return found
