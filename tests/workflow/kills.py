"""Kills and signals at random moments: the next run ends with the bytes of a clean run, and leaves nothing half made.

Each case takes jobs of one verb and a way from their results to a table or figure, removes what these jobs made from
results and cache, starts Snakemake, and kills. All choices follow from the name of the case.
"""

import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import kill_scenes
import psutil
from killing import LONGEST, MissedError, Running, jobs, locks, send_to_jobs, shell_of, wait_for_end
from outcome import Case, Outcome, half_written
from project import ROOT, Project
from unfinished import Work, compare, resume, unfinished, unlock

VERBS = sorted({file.stem for file in (ROOT / "workflow_lib" / "steps").glob("[a-z]*_*.py")})
MORE = {"train_interval": 2, "extract_features": 2, "compute_kstar": 1, "tabulate_kstar": 1, "draw_violins": 1}
"""Cases more than one for each kind of kill: verbs that run long, or that make several outputs."""
KINDS = ("one job", "whole group", "snakemake alone")
MOMENTS = ("at random", "at publication")
ORPHANS = ("ended", "beside", "after")
"""What jobs without Snakemake do: end before the next run, go on beside it, or stop meanwhile and go on after it."""
STEPS_OF_PUBLICATION = (8, 13)
"""About as many changes to the disk does a publication take: in all, and for each output."""
ATTEMPTS = 6
QUICK = 20.0
"""Seconds within which Snakemake must end after a signal."""


class Patient:
    """A case that is tried with shorter and shorter waits until there was something to kill."""

    name: str

    def run(self, finished: Project, folder: Path) -> Outcome:
        for i in range(ATTEMPTS):
            try:
                return self.attempt(finished, folder / f"attempt-{i}", 0.6**i)
            except MissedError:
                shutil.rmtree(folder / f"attempt-{i}")
        return Outcome(f"{ATTEMPTS} misses", ["what was to be killed had always ended"])

    def attempt(self, finished: Project, folder: Path, patience: float) -> Outcome:
        raise NotImplementedError


@dataclass(frozen=True)
class KillCase(Patient):
    """Kills with SIGKILL, then a resume.

    The first kill hits a job of the verb, later ones at random any job; `number` tells cases apart that are alike.
    """

    verb: str
    kind: str
    moments: tuple[str, ...]
    orphans: str
    number: int

    @property
    def name(self) -> str:
        orphans = f", orphans {self.orphans}" if self.kind == "snakemake alone" else ""
        return f"{self.verb}: {self.kind}{orphans}, {', '.join(self.moments)} ({self.number})"

    def attempt(self, finished: Project, folder: Path, patience: float) -> Outcome:
        rng = random.Random(f"{self.name} {patience}")
        work = unfinished(finished, folder, self.verb, rng)
        told = []
        for i, moment in enumerate(self.moments):
            unlock(work.project)
            told.append(self._kill(work, moment, self.verb if i == 0 else "", patience, rng))
            if self.orphans == "ended":
                wait_for_end(work.project)
        resumed = resume(work)
        send_to_jobs(work.project, signal.SIGCONT)
        wait_for_end(work.project)
        return compare(work.project, work.base.results(), resumed, f"killed {' and '.join(told)}")

    def _kill(self, work: Work, moment: str, verb: str, patience: float, rng: random.Random) -> str:
        """Start Snakemake, kill once; says when."""
        if moment == "at publication":
            whole, each = STEPS_OF_PUBLICATION
            step = max(1, round(patience * rng.uniform(1, whole + each * work.outputs)))
            running = Running(work.project, work.targets, work.cores, stop=(self.verb, step))
            job = running.wait_for_stop()
            told = f"before step {step} of publication"
        else:
            running = Running(work.project, work.targets, work.cores)
            seconds = patience * rng.uniform(0, work.seconds)
            job = running.wait_for_job(verb, seconds)
            told = f"at {seconds:.1f} s of {work.seconds:.1f}"
        if self.orphans == "after":
            send_to_jobs(work.project, signal.SIGSTOP)
        if self.kind == "one job":
            try:
                rng.choice([job, shell_of(job) or job]).kill()
            except psutil.NoSuchProcess:
                running.miss()
        else:
            running.kill(group=self.kind == "whole group")
        if self.orphans != "after":
            send_to_jobs(work.project, signal.SIGCONT)
        running.process.wait(timeout=LONGEST)
        return told


@dataclass(frozen=True)
class SignalCase(Patient):
    """A signal that asks Snakemake to end, alone or with all processes as from a terminal; then a resume."""

    verb: str
    number: signal.Signals
    group: bool

    @property
    def name(self) -> str:
        return f"{self.verb}: {self.number.name} to {'the whole group' if self.group else 'snakemake alone'}"

    def attempt(self, finished: Project, folder: Path, patience: float) -> Outcome:
        rng = random.Random(f"{self.name} {patience}")
        work = unfinished(finished, folder, self.verb, rng)
        running = Running(work.project, work.targets, work.cores)
        seconds = patience * rng.uniform(0, work.seconds)
        running.wait_for_job(self.verb, seconds)
        sent = time.monotonic()
        if self.group:
            os.killpg(running.process.pid, self.number)
        else:
            running.process.send_signal(self.number)
        code = running.process.wait(timeout=LONGEST)
        took = time.monotonic() - sent
        told = f"sent at {seconds:.1f} s of {work.seconds:.1f}, ended with {code} after {took:.1f} s"
        wrong = [f"process {job.pid} lives on" for job in jobs(work.project)]
        litter = [path for path in half_written(work.project) if not [*path.glob("state-*")]]
        wrong += [f"left behind: {path}" for path in [*locks(work.project), *litter]]
        if took > QUICK or code == 0:
            wrong.append(told)
        return compare(work.project, work.base.results(), resume(work), told, wrong)


def cases() -> list[Case]:
    """Every verb with each kind of kill, signals, and what else may happen when a run is cut off."""
    return [*kills(), *signals(), *kill_scenes.cases()]


def kills() -> Iterator[KillCase]:
    """Each verb with each kind at least once."""
    for verb in VERBS:
        rng = random.Random(f"kills of {verb}")  # so that another verb does not change these
        for kind in KINDS:
            for number in range(1 + MORE.get(verb, 0)):
                times = rng.choices([1, 2, 3], [7, 2, 1])[0]
                moments = tuple(rng.choices(MOMENTS, k=times))
                orphans = rng.choice(ORPHANS) if kind == "snakemake alone" else "beside"
                yield KillCase(verb, kind, moments, orphans, number)


def signals() -> Iterator[SignalCase]:
    """Each signal, to Snakemake alone and to the whole group, in training and other verbs."""
    rng = random.Random("signals")
    for number in (signal.SIGINT, signal.SIGTERM):
        for group in (True, False):
            for verb in ["train_interval", *rng.sample([verb for verb in VERBS if verb != "train_interval"], 2)]:
                yield SignalCase(verb, number, group)
