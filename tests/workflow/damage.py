"""Damage to artifacts, cache, records and disk: noticed, named, put right by computing, and never silently used."""

import functools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import disk
import own_project
import yaml
from disk import compared
from outcome import Case, Outcome
from project import MINIATURE, Project

from workflow_lib.cache.actions import action_file, object_file
from workflow_lib.code.signature import signature
from workflow_lib.plan import targets
from workflow_lib.plan.jobs import PlannedJob, upstream
from workflow_lib.plan.load import load_plan

Wound = Callable[[Path], None]


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size * 2 // 3])


def empty(file: Path) -> None:
    file.write_bytes(b"")


def drop_member(file: Path) -> None:
    """Take the last member out of an archive, which stays a valid one."""
    with ZipFile(file) as archive:
        members = {info: archive.read(info) for info in archive.infolist()[:-1]}
    with ZipFile(file, "w") as archive:
        for info, data in members.items():
            archive.writestr(info, data)


WOUNDS: dict[str, Wound] = {"a byte flipped": flip, "cut short": cut, "emptied": empty, "a member deleted": drop_member}
ARCHIVES = (".zip", ".pt")


@dataclass(frozen=True)
class Damage:
    """One damaged file, and how a user gets out of it.

    Attributes:
        name: what was damaged and how.
        path: the artifact that is damaged, or that whose record or kept copy is.
        harm: does the damage in a project.
        reader: the job that must read the artifact, or make it, after that.
        kept: whether the cache is there.
        noticed: text that the first run must print or log; "" where nothing need be told.
        runs: how often `snakemake` has to be called.
    """

    name: str
    path: str
    harm: Callable[[Project, str], None]
    reader: PlannedJob
    kept: bool
    noticed: str
    runs: int

    def run(self, finished: Project, folder: Path) -> Outcome:
        project = finished.copy(folder / "project", cores=1)
        for output in self.reader.makes:
            (project.folder / output).unlink()
        self.harm(project, self.path)
        if not self.kept:
            shutil.rmtree(project.folder / "results" / ".cache")
        wrong = []
        for attempt in range(self.runs):
            run = project.snakemake(self.reader.makes[0])
            last = attempt == self.runs - 1
            if (run.code == 0) != last:
                wrong.append(f"run {attempt + 1} ended with {run.code}: {run.output[-600:]}")
            told = run.output + "".join(project.log(job) for job in run.started)
            if last and not (project.folder / self.path).exists():
                project.snakemake(self.path)
            if attempt == 0 and self.noticed not in told:
                wrong.append(f"the first run did not say {self.noticed!r}")
            if "Traceback" in told:
                wrong.append("a traceback")
        return compared(self.name, finished, project, wrong)


@dataclass(frozen=True)
class Unread:
    """A damaged artifact that no job reads, such as a figure: `verify` names it, `repair` mends it."""

    name: str
    path: str
    wound: Wound
    kept: bool

    def run(self, finished: Project, folder: Path) -> Outcome:
        project = finished.copy(folder / "project", cores=1)
        self.wound(project.folder / self.path)
        if not self.kept:
            shutil.rmtree(project.folder / "results" / ".cache")
        wrong = []
        if (told := verify(project)) != (1, True):
            wrong.append(f"verify ended with {told}")
        verify(project, "repair")
        if (code := project.snakemake(self.path).code) != 0:
            wrong.append(f"snakemake ended with {code}")
        if (told := verify(project)) != (0, False):
            wrong.append(f"verify after the repair ended with {told}")
        return compared(self.name, finished, project, wrong)


def verify(project: Project, command: str = "verify") -> tuple[int, bool]:
    """Exit status of `latent-atlas verify`, and whether it names an artifact."""
    done = project.python("-m", "workflow_lib.cli", command)
    return done.returncode, "\nresults/" in done.stdout


def harm_artifact(wound: Wound) -> Callable[[Project, str], None]:
    return lambda project, path: wound(project.folder / path)


def harm_record(wound: Wound) -> Callable[[Project, str], None]:
    return lambda project, path: wound(record_file(project, path))


def harm_object(wound: Wound) -> Callable[[Project, str], None]:
    def harm(project: Project, path: str) -> None:
        record = json.loads(record_file(project, path).read_text())
        wound(object_file(project.folder / "results" / ".cache", record["digest"]))

    return harm


def harm_action(wound: Wound) -> Callable[[Project, str], None]:
    def harm(project: Project, path: str) -> None:
        record = json.loads(record_file(project, path).read_text())
        wound(action_file(project.folder / "results" / ".cache", record["key"]))

    return harm


def harm_memory(wound: Wound) -> Callable[[Project, str], None]:
    def harm(project: Project, path: str) -> None:
        for file in (project.folder / "results" / ".cache" / "digests").rglob("*"):
            if file.is_file():
                wound(file)

    return harm


def record_file(project: Project, path: str) -> Path:
    return project.folder / "results" / "provenance" / (path.removeprefix("results/") + ".json")


@dataclass(frozen=True)
class InOwnProject:
    """A case on the small project of a user's own (own_project.py) instead of the miniature."""

    case: Case

    @property
    def name(self) -> str:
        """That of the case."""
        return self.case.name

    def run(self, finished: Project, folder: Path) -> Outcome:
        """Run the case there."""
        return self.case.run(own_project.made_beside(finished), folder)


def cases() -> list[Case]:
    """Every kind of artifact, record and kept object with every kind of damage; what the miniature lacks elsewhere."""
    jobs, others = _jobs(), own_project.planned_jobs()
    verbs = {job.verb for job in jobs}
    missing = {job.verb for job in others} - verbs
    mine = [*_of(jobs, verbs), *_memory(jobs, verbs), *disk.cases(_one_of_each(jobs, verbs))]
    own = [*_of(others, missing), *disk.full(_one_of_each(others, missing))]
    return [*mine, *map(InOwnProject, own)]


def _of(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    """Damage to what these verbs make, and to what is kept and recorded of it; `jobs` are all jobs of the project."""
    yield from _read(jobs, verbs)
    yield from _kept(jobs, verbs)
    yield from _records(jobs, verbs)
    yield from _unread(jobs, verbs)


def _read(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    for number, (path, reader, hint) in enumerate(_readers(jobs, verbs)):
        for how, wound in WOUNDS.items():
            if wound is drop_member and not path.endswith(ARCHIVES):
                continue
            if wound is empty and number % 3:  # hardly another case than one that is cut short
                continue
            name = f"{_kind(path)} {how}, read by {reader.verb}"
            yield Damage(f"{name}, no cache", path, harm_artifact(wound), reader, False, path, 1 if hint else 2)
            if how == "a byte flipped" and not hint:
                yield Damage(name, path, harm_artifact(wound), reader, True, "damaged or edited", runs=1)


def _kept(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    """The cache's own files, for one job of each verb; the kinds of damage by turns."""
    for number, job in enumerate(_one_of_each(jobs[::-1], verbs).values()):
        path = job.makes[0]
        how, wound, told = (("a byte flipped", flip, "was damaged"), ("deleted", Path.unlink, ""))[number % 2]
        yield Damage(f"kept bytes of {job.verb} {how}", path, harm_object(wound), job, True, told, runs=1)
        how, wound = (("cut short", cut), ("a byte flipped", flip))[number % 2]
        yield Damage(f"kept entry of {job.verb} {how}", path, harm_action(wound), job, True, "", runs=1)


def _records(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    for number, (path, reader, hint) in enumerate(_readers(jobs, verbs)):
        if not hint:
            how, wound = (("cut short", cut), ("deleted", Path.unlink))[number % 2]
            name = f"record of {_kind(path)} {how}, read by {reader.verb}"
            yield Damage(name, path, harm_record(wound), reader, True, "", runs=1)


def _memory(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    path, reader, _ = next(_readers(jobs, verbs))
    for how, wound in {"emptied": empty, "a byte flipped": flip}.items():
        yield Damage(f"memory of digests {how}", path, harm_memory(wound), reader, True, "", runs=1)


def _unread(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    read = {path for job in jobs for path in job.needs}
    finals: dict[tuple[str, str], str] = {}
    for job in jobs:
        for argument, paths in job.outputs.items():
            if job.verb in verbs and paths[0] not in read:
                finals.setdefault((job.verb, argument), paths[0])
    for number, path in enumerate(finals.values()):
        if number % 2:
            yield Unread(f"{_kind(path)} a byte flipped, read by no job", path, flip, kept=True)
        else:
            yield Unread(f"{_kind(path)} cut short, read by no job, no cache", path, cut, kept=False)


@functools.cache
def _jobs() -> list[PlannedJob]:
    plan = load_plan(yaml.safe_load(MINIATURE), ["miniature.yaml"])
    return upstream(plan, targets.default(plan))


def _one_of_each(jobs: list[PlannedJob], verbs: set[str]) -> dict[str, PlannedJob]:
    """The first job of each of the verbs."""
    return {job.verb: job for job in jobs[::-1] if job.verb in verbs}


def _readers(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[tuple[str, PlannedJob, bool]]:
    """An artifact of each kind that the verbs make and jobs read, with its first reader; whether it is only a hint."""
    seen = set()
    maker = {path: (job.verb, argument) for job in jobs for argument in job.outputs for path in job.outputs[argument]}
    for job in jobs:
        for argument in signature(job.verb).paths:
            for path in job.inputs.get(argument.name, [])[:1]:
                hint = argument.role == "hint"
                if maker[path][0] in verbs and (*maker[path], hint) not in seen:
                    seen.add((*maker[path], hint))
                    yield path, job, hint


def _kind(path: str) -> str:
    """What an artifact is, in a word or two."""
    _, kind, *_, name = path.split("/")
    return f"{kind}: {name}"
