"""Damage to artifacts, cache, records and disk: noticed, named, put right by computing, and never silently used."""

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

import own_project
from disk import FullDisk, ReadOnly, can_mount, full
from outcome import Case, Outcome, misfits
from project import MINIATURE, Project, planned

from workflow_lib.cache.actions import action_file, object_file
from workflow_lib.cache.digests import content_digest
from workflow_lib.code.signature import signature
from workflow_lib.io.braces import expand
from workflow_lib.plan.jobs import PlannedJob

Wound = Callable[[Path], None]
Place = Callable[[Project, str], list[Path]]
"""Gives the files to be damaged, of a project and an artifact."""
ARCHIVES = (".zip", ".pt")


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


def artifact(project: Project, path: str) -> list[Path]:
    return [project.folder / path]


def record(project: Project, path: str) -> list[Path]:
    return [project.folder / "results" / "provenance" / (path.removeprefix("results/") + ".json")]


def kept_bytes(project: Project, path: str) -> list[Path]:
    return [object_file(_cache(project), json.loads(record(project, path)[0].read_text())["digest"])]


def kept_entry(project: Project, path: str) -> list[Path]:
    return [action_file(_cache(project), json.loads(record(project, path)[0].read_text())["key"])]


def memory(project: Project, path: str) -> list[Path]:
    return [file for file in (_cache(project) / "digests").rglob("*") if file.is_file()]


def _cache(project: Project) -> Path:
    return project.folder / "results" / ".cache"


@dataclass(frozen=True)
class Damage:
    """One damaged file, and how a user gets out of it.

    Attributes:
        name: what is damaged and how.
        path: an artifact.
        reader: job that must read the artifact, or make it, after that.
        wound: does the damage.
        place: what is damaged: the artifact, its record, what is kept of it.
        kept: whether the cache is there.
        noticed: text that the first run must print or log; "" where nothing need be told.
        runs: how often `snakemake` has to be called.
    """

    name: str
    path: str
    reader: PlannedJob
    wound: Wound
    place: Place = artifact
    kept: bool = True
    noticed: str = ""
    runs: int = 1

    def run(self, finished: Project, folder: Path) -> Outcome:
        project = finished.copy(folder / "project", cores=1)
        for output in self.reader.makes:
            (project.folder / output).unlink()
        for file in self.place(project, self.path):
            self.wound(file)
        if not self.kept:
            shutil.rmtree(_cache(project))
        wrong = []
        for attempt in range(1, self.runs + 1):
            run = project.snakemake(self.reader.makes[0])
            if (run.code == 0) != (attempt == self.runs):
                wrong.append(f"run {attempt} ended with {run.code}: {run.output[-600:]}")
            told = run.output + "".join(map(project.log, run.started))
            if attempt == 1 and self.noticed not in told:
                wrong.append(f"the first run did not say {self.noticed!r}")
            if "Traceback" in told:
                wrong.append("a traceback")
        if not (project.folder / self.path).exists():
            project.snakemake(self.path)
        return Outcome(f"{self.runs} runs", wrong + misfits(project, finished.results(), aside=True))


@dataclass(frozen=True)
class Unread:
    """A damaged artifact that no job reads, such as a figure: `verify` names it, `repair` mends it."""

    name: str
    path: str
    wound: Wound
    kept: bool

    def run(self, finished: Project, folder: Path) -> Outcome:
        project, wrong = finished.copy(folder / "project", cores=1), list[str]()
        self.wound(project.folder / self.path)
        if not self.kept:
            shutil.rmtree(_cache(project))
        if (told := self._verify(project)) != (1, True):
            wrong.append(f"verify ended with {told}")
        self._verify(project, "repair")
        if (code := project.snakemake(self.path).code) != 0:
            wrong.append(f"snakemake ended with {code}")
        if (told := self._verify(project)) != (0, False):
            wrong.append(f"verify after the repair ended with {told}")
        return Outcome("verified", wrong + misfits(project, finished.results(), aside=True))

    def _verify(self, project: Project, command: str = "verify") -> tuple[int, bool]:
        """Exit status, and whether an artifact is named."""
        done = project.python("-m", "workflow_lib.cli", command)
        return done.returncode, "\nresults/" in done.stdout


@dataclass(frozen=True)
class StaleHint:
    """A whole checkpoint that other code has made, from which a training must not go on.

    Attributes:
        name: what its record says.
        path: the checkpoint.
        reader: the training for which it is a hint.
        change: what its record says differently; None if it has no record.
    """

    name: str
    path: str
    reader: PlannedJob
    change: Mapping[str, object] | None

    def run(self, finished: Project, folder: Path) -> Outcome:
        project = finished.copy(folder / "project", cores=1)
        (told,) = record(project, self.path)
        before = {file: file.read_bytes() for file in (project.folder / self.path, told)}
        for output in self.reader.makes:
            (project.folder / output).unlink()
        shutil.rmtree(_cache(project))
        digest = _other_weights(project.folder / self.path)
        if self.change is None:
            told.unlink()
        else:
            told.write_text(json.dumps({**json.loads(told.read_text()), **self.change, "digest": digest}))
        run = project.snakemake(self.reader.makes[0])
        wrong = [] if run.code == 0 else [f"snakemake ended with {run.code}: {run.output[-600:]}"]
        for file, content in before.items():
            file.write_bytes(content)
        return Outcome(f"{len(run.computed)} computed", wrong + misfits(project, finished.results()))


def _other_weights(checkpoint: Path) -> str:
    """Give other weights to a checkpoint of the same training; returns its digest."""
    from workflow_lib.io.checkpoints import load, save

    content = load(checkpoint)
    save({**content, "network": {name: tensor + 1 for name, tensor in content["network"].items()}}, checkpoint)
    return content_digest(checkpoint)


@dataclass(frozen=True)
class InOwnProject:
    """A case on the small project of a user's own (own_project.py) instead of the miniature."""

    case: Case

    @property
    def name(self) -> str:
        return self.case.name

    def run(self, finished: Project, folder: Path) -> Outcome:
        return self.case.run(own_project.made_beside(finished), folder)


def cases() -> list[Case]:
    """Every kind of artifact, record and kept object with every kind of damage; what the miniature lacks elsewhere."""
    jobs, others = planned(MINIATURE), planned(own_project.CONFIG)
    verbs = {job.verb for job in jobs}
    missing = {job.verb for job in others} - verbs
    first = _one_of_each(jobs, verbs)
    disks: list[Case] = full(first.values())
    if can_mount():
        disks += [FullDisk(first["compute_kstar"], 4096, cache_only=True), ReadOnly(first["draw_trends"])]
    own = [*_of(others, missing), *full(_one_of_each(others, missing).values())]
    return [*_of(jobs, verbs), *_memory(jobs, verbs), *disks, *map(InOwnProject, own)]


def _of(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    """Damage to what these verbs make, and to what is kept and recorded of it; `jobs` are all jobs of the project."""
    yield from _read(jobs, verbs)
    yield from _kept(jobs, verbs)
    yield from _records(jobs, verbs)
    yield from _unread(jobs, verbs)
    yield from _stale(jobs, verbs)


def _read(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    wounds = {"a byte flipped": flip, "cut short": cut, "emptied": empty, "a member deleted": drop_member}
    for number, (path, reader, hint) in enumerate(_readers(jobs, verbs)):
        for how, wound in wounds.items():
            if wound is drop_member and not path.endswith(ARCHIVES):
                continue
            if wound is empty and number % 3:  # hardly another case than one that is cut short
                continue
            name = f"{_kind(path)} {how}, read by {reader.verb}"
            runs = 1 if hint else 2
            yield Damage(f"{name}, no cache", path, reader, wound, kept=False, noticed=path, runs=runs)
            if wound is flip and not hint:
                yield Damage(name, path, reader, wound, noticed="damaged or edited")


def _kept(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    """The cache's own files, for one job of each verb; the kinds of damage by turns."""
    for number, job in enumerate(_one_of_each(jobs[::-1], verbs).values()):
        path = job.makes[0]
        how, wound, told = (("a byte flipped", flip, "was damaged"), ("deleted", Path.unlink, ""))[number % 2]
        yield Damage(f"kept bytes of {job.verb} {how}", path, job, wound, kept_bytes, noticed=told)
        how, wound = (("cut short", cut), ("a byte flipped", flip))[number % 2]
        yield Damage(f"kept entry of {job.verb} {how}", path, job, wound, kept_entry)


def _records(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    for number, (path, reader, hint) in enumerate(_readers(jobs, verbs)):
        if not hint:
            how, wound = (("cut short", cut), ("deleted", Path.unlink))[number % 2]
            yield Damage(f"record of {_kind(path)} {how}, read by {reader.verb}", path, reader, wound, record)


def _stale(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    changes = {"other code": {"code": "0" * 12}, "other versions": {"versions": {"python": "3.0"}}, "nothing": None}
    for path, reader, hint in _readers(jobs, verbs):
        if hint:
            for told, change in changes.items():
                yield StaleHint(
                    f"{_kind(path)} whose record tells of {told}, a hint for {reader.verb}", path, reader, change
                )


def _memory(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[Case]:
    path, reader, _ = next(_readers(jobs, verbs))
    for how, wound in {"emptied": empty, "a byte flipped": flip}.items():
        yield Damage(f"memory of digests {how}", path, reader, wound, memory)


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


def _one_of_each(jobs: list[PlannedJob], verbs: set[str]) -> dict[str, PlannedJob]:
    """The first job of each of the verbs."""
    return {job.verb: job for job in jobs[::-1] if job.verb in verbs}


def _readers(jobs: list[PlannedJob], verbs: set[str]) -> Iterator[tuple[str, PlannedJob, bool]]:
    """An artifact of each kind that the verbs make and jobs read, with its first reader; whether it is only a hint."""
    seen = set()
    maker = {path: (job.verb, argument) for job in jobs for argument in job.outputs for path in job.outputs[argument]}
    for job in jobs:
        for argument in signature(job.verb).paths:
            for pattern in job.inputs.get(argument.name, [])[:1]:
                path, hint = expand(pattern)[0], argument.role == "hint"
                if maker[path][0] in verbs and (*maker[path], hint) not in seen:
                    seen.add((*maker[path], hint))
                    yield path, job, hint


def _kind(path: str) -> str:
    """What an artifact is, in a word or two."""
    _, kind, *_, name = path.split("/")
    return f"{kind}: {name}"
