"""One row of the contract: an edit, and the exact jobs that follow from it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal, NamedTuple

import examined_project
import own_project
import relations_project
import sound_project
import stages_project
import text_project
import warm_project
from edits import Edit
from outcome import Outcome
from project import Forecast, Project, Run

Base = Literal["miniature", "own", "examined", "stages", "warm", "relations", "sound", "text"]
"""What is edited: the miniature study, or the one in {own,examined,stages,warm,relations,sound,text}_project.py."""

STUDY_JOBS = "tabulate_kstar/* render_tables/* draw_*"
NOTHING = "Nothing to be done"
"""What Snakemake says when all is there."""
SHOWN = 12
"""Most names in one line of a difference."""


class Done(NamedTuple):
    """What came of an edit.

    Attributes:
        forecast: what the plan said after it.
        run: what Snakemake did.
        again: what Snakemake printed when it was asked once more.
        before, left, after: bytes of the results before the edit, after it, and after the run.
    """

    forecast: Forecast
    run: Run
    again: str
    before: Mapping[str, bytes]
    left: Mapping[str, bytes]
    after: Mapping[str, bytes]


@dataclass(frozen=True)
class Row:
    """What a user does, and what Snakemake must do then: no job more, none less.

    Jobs are named with wildcards, several divided by spaces, such as `compute_kstar/* draw_*`; what begins with ! takes
    jobs away again.

    Attributes:
        name: the edit in the words of a user.
        edit: does it to a copy of a finished project.
        starts: jobs that Snakemake starts.
        computes: those of them that are computed, None for all; the others are restored from the cache.
        because: why jobs are started that need not be computed.
        why: jobs that `latent-atlas why` names, where these are not all that are started.
        equal: whether all results are as before. None: all are if nothing is computed, else those of the jobs that did
            not start.
        base: project that is edited.
        stages: stages or files that Snakemake is called with; none takes all tables and figures.
        flags: other arguments of this one call.
    """

    name: str
    edit: Edit
    starts: str = ""
    computes: str | None = None
    because: str = ""
    why: str | None = None
    equal: bool | None = None
    base: Base = "miniature"
    stages: str = ""
    flags: str = ""

    def run(self, finished: Project, folder: Path) -> Outcome:
        """Edit a copy, run Snakemake twice, and compare."""
        return self.judge(self.do(finished, folder))

    def do(self, finished: Project, folder: Path) -> Done:
        """Edit a copy, and run Snakemake; a second time only to ask what it would do."""
        beside = {
            "own": own_project,
            "examined": examined_project,
            "stages": stages_project,
            "warm": warm_project,
            "relations": relations_project,
            "sound": sound_project,
            "text": text_project,
        }
        base = finished if self.base == "miniature" else beside[self.base].made_beside(finished)
        project = base.copy(folder / "project", cores=1)
        before = project.results()
        self.edit(project)
        left = project.results()
        forecast = project.forecast(*self.stages.split())
        run = project.snakemake(*self.flags.split(), *self.stages.split())
        again = project.snakemake("--dry-run", *self.stages.split()).output if run.started else NOTHING
        return Done(forecast, run, again, before, left, project.results())

    def judge(self, done: Done) -> Outcome:
        """Compare what was done with what must be."""
        run = done.run
        wrong = [f"snakemake ended with {run.code}: {run.output[-1500:]}"] if run.code else []
        wrong += [*self._jobs(done.forecast, run), *self._bytes(done)]
        wrong += [] if NOTHING in done.again else [f"a second call must start nothing: {done.again[-800:]}"]
        return Outcome(f"{len(run.started)} started, {len(run.computed)} computed", wrong)

    def jobs(self, all_jobs: Iterable[str]) -> tuple[set[str], set[str], set[str]]:
        """Names of the jobs that are started, that are computed, and that `latent-atlas why` names."""
        names = list(all_jobs)
        starts = matching(self.starts, names)
        computes = starts if self.computes is None else matching(self.computes, names)
        if computes - starts:
            raise ValueError(f"{self.name}: computes what it does not start: {sorted(computes - starts)}")
        return starts, computes, starts if self.why is None else matching(self.why, names)

    def _jobs(self, forecast: Forecast, run: Run) -> Iterator[str]:
        texts = ("been started", "been computed", "been named by why")
        found = (run.started, run.computed, forecast.running)
        for text, names, wanted in zip(texts, found, self.jobs(forecast.jobs), strict=True):
            yield from _listed(f"must not have {text}", names - wanted)
            yield from _listed(f"should have {text}", wanted - names)

    def _bytes(self, done: Done) -> Iterator[str]:
        """Results that have changed or gone."""
        starts, computes, _ = self.jobs(done.forecast.jobs)
        free = set[str]() if (not computes if self.equal is None else self.equal) else starts
        made = {path.removeprefix("results/") for name in free for path in done.forecast.jobs[name]}
        known, before, after = done.before.keys() - made, done.before, done.after
        yield from _listed("results must not have changed", {n for n in known & after.keys() if after[n] != before[n]})
        yield from _listed("results must not have gone", (known & done.left.keys()) - after.keys())


def matching(patterns: str, jobs: Iterable[str]) -> set[str]:
    """The jobs that patterns name, read from left to right.

    Raises:
        ValueError: a pattern that matches no job, or takes none away: it would prove nothing.
    """
    names, found = set(jobs), set[str]()
    for pattern in patterns.split():
        away = pattern.startswith("!")
        hits = {name for name in names if fnmatchcase(name, pattern.removeprefix("!"))}
        if not hits & found if away else not hits - found:
            raise ValueError(f"the pattern {pattern!r} changes nothing in {patterns!r}")
        found = found - hits if away else found | hits
    return found


def _listed(text: str, names: set[str]) -> Iterator[str]:
    if names:
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        yield f"{text}: {', '.join(sorted(names)[:SHOWN])}{more}"
