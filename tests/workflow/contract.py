"""The re-run contract: after each edit of the rows, exactly the jobs that the row names are started and computed."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import own_project
import rows_code
import rows_config
import rows_confusion
import rows_files
import rows_own
import rows_prototypes
from outcome import Case, Outcome
from project import Forecast, Project, Run
from row import Row, matching

SECTIONS: dict[str, list[Row]] = {
    "Nothing that counts": rows_files.NOTHING,
    "Results moved, deleted or asked for again": rows_files.RESULTS,
    "How it is run": rows_files.RUNTIME,
    "Studies": rows_config.STUDIES,
    "More and less": rows_config.LISTS,
    "Data and models": rows_own.SETTINGS,
    "Prototypes": rows_prototypes.PROTOTYPES,
    "Confusion": rows_confusion.CONFUSION,
    "Files and functions of your own": rows_own.FILES,
    "Code and libraries": rows_code.CODE,
}
"""All rows, under the headings of the page."""

SHOWN = 12
"""Most names that one line of a difference lists."""


def rows() -> list[Row]:
    """All rows in the order of the page."""
    return [row for section in SECTIONS.values() for row in section]


def cases() -> list[Case]:
    """A case for each row."""
    return [RowCase(row) for row in rows()]


@dataclass(frozen=True)
class RowCase:
    """One row, tried out."""

    row: Row

    @property
    def name(self) -> str:
        """What is edited."""
        return self.row.name

    def run(self, finished: Project, folder: Path) -> Outcome:
        """Edit a copy of the finished project, run Snakemake twice, and compare."""
        began = time.monotonic()
        base = own_project.made_beside(finished) if self.row.base == "own" else finished
        project = base.copy(folder / "project", cores=1)
        before = project.results()
        self.row.edit(project)
        left = project.results()
        forecast = project.forecast(*self.row.stages)
        run = project.snakemake(*self.row.flags, *self.row.stages)
        lines = [
            *_exit(run),
            *_jobs(self.row, forecast, run),
            *_bytes(self.row, forecast, before, left, project.results()),
            *(_second(project, self.row) if run.started else []),
        ]
        seconds = time.monotonic() - began
        summary = f"{len(run.started)} started, {len(run.computed)} computed, {seconds:.0f} s"
        return Outcome(self.name, not lines, summary, "\n".join(lines))


def _exit(run: Run) -> Iterator[str]:
    if run.code:
        yield f"snakemake ended with {run.code}: {run.output[-1500:]}"


def _jobs(row: Row, forecast: Forecast, run: Run) -> Iterator[str]:
    """Jobs that did what they must not, and those that did not what they must."""
    starts, computes = matching(row.starts, forecast.jobs), matching(row.computes, forecast.jobs)
    if computes - starts:
        raise ValueError(f"{row.name}: computes what it does not start: {sorted(computes - starts)}")
    why = starts if row.why is None else matching(row.why, forecast.jobs)
    for found, wanted, text in (
        (run.started, starts, "been started"),
        (run.computed, computes, "been computed"),
        (forecast.running, why, "been named by why"),
    ):
        yield from _listed(f"must not have {text}", found - wanted)
        yield from _listed(f"should have {text}", wanted - found)


def _bytes(
    row: Row,
    forecast: Forecast,
    before: Mapping[str, bytes],
    left: Mapping[str, bytes],
    after: Mapping[str, bytes],
) -> Iterator[str]:
    """Results that are not what they were, although the row says that they are.

    Without a word of the row these are all results if nothing is computed, else those of the jobs that did not start.
    """
    equal = not row.computes if row.equal is None else row.equal
    free = set[str]() if equal else matching(row.starts, forecast.jobs)
    made = {path.removeprefix("results/") for name in free for path in forecast.jobs[name]}
    known = before.keys() - made
    yield from _listed("results must not have changed", {n for n in known & after.keys() if after[n] != before[n]})
    yield from _listed("results must not have gone", (known & left.keys()) - after.keys())


def _second(project: Project, row: Row) -> Iterator[str]:
    """A second call, which must find nothing to do."""
    again = project.snakemake("--dry-run", *row.stages)
    if "Nothing to be done" not in again.output:
        yield f"a second call must start nothing: {again.output[-800:]}"


def _listed(text: str, names: Iterable[str]) -> Iterator[str]:
    """One line for several names."""
    ordered = sorted(names)
    if ordered:
        more = f" and {len(ordered) - SHOWN} more" if len(ordered) > SHOWN else ""
        yield f"{text}: {', '.join(ordered[:SHOWN])}{more}"
