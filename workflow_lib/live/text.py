"""The text that a run shows: a view for terminals, lines for all else, a summary of a dry run, the last words."""

import shlex
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from workflow_lib.live.failures import end_words
from workflow_lib.live.state import Row, State, rows, seconds_left
from workflow_lib.plan.why import FOLLOWING

NAME, COUNT = 19, 15
"""Columns of the names of stages, and of the numbers behind the bars."""


def span(seconds: float) -> str:
    """Seconds in words: 8 s, 4 min 10 s, 2 h 5 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    return (
        f"{minutes} min {whole % 60} s"
        if minutes < 10
        else f"{minutes // 60} h {minutes % 60} min"
        if minutes > 99
        else f"{minutes} min"
    )


def view(state: State, now: float, width: int, height: int) -> list[str]:
    """The state in at most `height` lines of at most `width` columns; `now` in seconds since the epoch."""
    found = rows(state, now)
    if not found or state.began is None:
        return ["Preparing the run"]
    bar = max(8, min(width, 100) - NAME - COUNT)
    whole = sum(row.over + row.left for row in found) or 1.0
    lines = []
    for row in found:
        cells = max(1, round(bar * (row.over + row.left) / whole))
        share = row.over / (row.over + row.left or 1.0) if row.done < row.steps else 1.0
        lines.append(f"{row.stage:{NAME}}{_bar(share, cells):{bar}}{row.done:>6} of {row.steps}")
    share = sum(row.over for row in found) / whole
    lines += [f"{'all':{NAME}}{_bar(share, bar)}{share:>6.0%}", _times(state, found, now)]
    if state.failures:
        first = next(iter(state.failures.values()))
        lines.append(f"{len(state.failures)} failed: {first.what}: {first.cause.splitlines()[-1].strip()}")
    lines += [f"{'first figure':{NAME}}{state.first_figure}"] if state.first_figure else []
    lines += ["", *_running(state, now)]
    if len(lines) > height:
        lines = [*lines[: height - 1], f"and {len(lines) - height + 1} more lines"]
    return [line[:width] for line in lines]


def _bar(share: float, cells: int) -> str:
    full = round(min(max(share, 0.0), 1.0) * cells)
    return "█" * full + "░" * (cells - full)


def _times(state: State, found: Sequence[Row], now: float) -> str:
    so_far = f"{span(now - (state.began or now))} so far"
    left = seconds_left(state, found)
    if not state.running:
        return so_far
    if left is None:
        return f"{so_far}, the end is known when the first jobs have ended"
    return f"{so_far}, about {span(left)} left: until {time.strftime('%H:%M', time.localtime(now + left))}"


def _running(state: State, now: float) -> list[str]:
    """A line for each running job, and what it says itself below it."""
    lines = []
    for job in state.running.values():
        share = f", {job.share:.0%}" if 0 < job.share < 1 else ""
        lines.append(f"now  {job.what}{share}, {span(now - job.since)}")
        lines += [f"     {job.said}"] if job.said else []
    return lines


def stage_line(row: Row, state: State, now: float) -> str:
    """A line for a stage that has ended."""
    found = rows(state, now)
    left = seconds_left(state, found)
    ahead = f", about {span(left)} left" if left and any(other.done < other.steps for other in found) else ""
    return f"{_clock(now)} {row.stage}: {row.steps} of {row.steps} done after {span(now - (state.began or now))}{ahead}"


def start_line(state: State, now: float) -> str:
    """A line at the beginning."""
    steps = [f"{row.stage} {row.steps}" for row in rows(state, now)]
    return f"{_clock(now)} {_counted(state)} to run: {', '.join(steps)}"


def failed_line(what: str, now: float) -> str:
    """A line at once for a job that has failed; the reason comes at the end."""
    return f"{_clock(now)} failed: {what}; the reason is told at the end"


def _clock(now: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(now))


def _counted(state: State) -> str:
    count = len(state.forecast.steps)
    return f"{count:,} step{'' if count == 1 else 's'}"


def dry_run(state: State, now: float) -> list[str]:
    """What would run, and why, by stage."""
    width = shutil.get_terminal_size((100, 40)).columns
    lines = [f"{_counted(state)} would run.", f"{'stage':{NAME}}{'steps':>6}  why"]
    for row in rows(state, now):
        lines += [f"{row.stage:{NAME}}{row.steps:>6}  {why}"[:width] for why in _reasons(state, row.stage)[:1]]
        lines += [f"{'':{NAME}}{'':>6}  {why}"[:width] for why in _reasons(state, row.stage)[1:3]]
    which, costs = _command(state, "why"), _command(state, "estimate")
    return [*lines, "Nothing was run.", f"Which steps, and why: {which}", f"Time and disk: {costs}"]


def _command(state: State, name: str) -> str:
    """A command of `latent-atlas` on the same config."""
    return shlex.join(["latent-atlas", name, *state.forecast.options])


def _reasons(state: State, stage: str) -> list[str]:
    """Reasons of a stage, the most frequent first."""
    found = state.forecast.reasons.get(stage, Counter({"asked for": 1}))
    return ["an input is made again" if why == FOLLOWING else why for why, _ in found.most_common()]


def last_words(state: State, now: float) -> list[str]:
    """What is said when a run has ended, in whatever way."""
    where = [
        f"Tables and figures: {Path(state.forecast.results, 'studies')}/",
        f"To see them on one page: {_command(state, 'report')}",
    ]
    if state.nothing:
        return ["Nothing to be done: all results are up to date.", *where]
    done, steps = len(state.done), len(state.forecast.steps)
    took = f" after {span(now - state.began)}" if state.began else ""
    if state.stopped:
        return [
            f"Stopped{took}: {done:,} of {steps:,} steps are done, and nothing of them is lost.",
            "The same command goes on from there; a training goes on inside its interval.",
        ]
    if state.failures:
        return [
            *end_words(state.failures),
            f"Ended{took}: {done:,} of {steps:,} steps are done and stay. Correct it, and call the same command.",
        ]
    if done < steps or state.began is None:
        return []
    return [f"Done{took}: {steps:,} of {steps:,} steps.", *where]
