"""Disks that are full or may not be written: told in words, nothing half-written, finished when there is room."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from outcome import Case, Outcome
from project import Project

from workflow_lib.plan.jobs import PlannedJob

ROOMY = "size=1g"


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A disk of its own in the place of a folder, with what that holds."""
    aside = folder.parents[1] / f"{folder.name}-aside"
    folder.rename(aside)
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", ROOMY, "none", str(folder))
    try:
        shutil.copytree(aside, folder, dirs_exist_ok=True)
        yield
    finally:
        _run("umount", "--lazy", str(folder))


def can_mount() -> bool:
    """Whether this process may mount a disk: root may, outside of most containers."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    with contextlib.suppress(subprocess.CalledProcessError):
        _run("unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt")
        return True
    return False


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def _limit(folder: Path, room: int) -> None:
    """Leave `room` bytes beyond what is used."""
    state = os.statvfs(folder)
    used = (state.f_blocks - state.f_bfree) * state.f_frsize
    _run("mount", "-o", f"remount,size={used + room}", str(folder))


@dataclass(frozen=True)
class FullDisk:
    """A job that meets a full disk; with the cache on a disk of its own, only that one is full.

    Attributes:
        job: its outputs are missing.
        room: bytes that are left.
        cache_only: the full disk holds the cache alone.
    """

    job: PlannedJob
    room: int
    cache_only: bool = False

    @property
    def name(self) -> str:
        where = "the disk of the cache" if self.cache_only else "the disk"
        return f"{where} full in {self.job.verb}, {self.room} bytes left"

    def run(self, finished: Project, folder: Path) -> Outcome:
        project = finished.copy(folder / "project", cores=1)
        results, cache = project.folder / "results", project.folder / "results" / ".cache"
        shutil.rmtree(cache)
        cache.mkdir()
        for path in self.job.makes:
            (project.folder / path).unlink()
        wrong = []
        with small_disk(cache if self.cache_only else results):
            disk = cache if self.cache_only else results
            _limit(disk, self.room)
            full = project.snakemake(self.job.makes[0])
            told = full.output + "".join(project.log(job) for job in full.started)
            if (full.code == 0) != self.cache_only:
                wrong.append(f"ended with {full.code}: {full.output[-800:]}")
            if "No space left on device" not in told or "Traceback" in told:
                wrong.append(f"did not say so in words: {told[-800:]}")
            if not self.cache_only and [path for path in self.job.makes if (project.folder / path).exists()]:
                wrong.append("an output of the failed job is there")
            wrong += [f"left behind: {path}" for path in half_written(project)]
            _run("mount", "-o", f"remount,{ROOMY}", str(disk))
            if (code := project.snakemake(self.job.makes[0]).code) != 0:
                wrong.append(f"ended with {code} when there was room")
            return compared(self.name, finished, project, wrong)


@dataclass(frozen=True)
class ReadOnly:
    """Results that may not be written: what is there can be looked at, and what is missing cannot be made."""

    job: PlannedJob

    @property
    def name(self) -> str:
        return f"results that may only be read, with {self.job.verb} to do"

    def run(self, finished: Project, folder: Path) -> Outcome:
        project = finished.copy(folder / "project", cores=1)
        results, wrong = project.folder / "results", list[str]()
        with small_disk(results):
            _run("mount", "-o", "remount,ro", str(results))
            if (idle := project.snakemake()).code != 0 or idle.started:
                wrong.append(f"nothing was to be done, but: {idle.output[-800:]}")
            _run("mount", "-o", "remount,rw", str(results))
            for path in self.job.makes:
                (project.folder / path).unlink()
            _run("mount", "-o", "remount,ro", str(results))
            refused = project.snakemake()
            if refused.code != 1 or "may only be read" not in refused.output or "Traceback" in refused.output:
                wrong.append(f"ended with {refused.code}: {refused.output[-800:]}")
            _run("mount", "-o", "remount,rw", str(results))
            if (code := project.snakemake().code) != 0:
                wrong.append(f"ended with {code} when it could be written")
            return compared(self.name, finished, project, wrong)


def compared(name: str, finished: Project, project: Project, wrong: list[str]) -> Outcome:
    """Compare what is there with the undamaged project; what was put aside does not count."""
    whole = finished.results()
    found = {path: data for path, data in project.results().items() if not path.endswith(".damaged")}
    wrong += [
        f"{path} is {'other' if path in found else 'missing'}" for path in whole if found.get(path) != whole[path]
    ]
    wrong += [f"{path} is new" for path in found.keys() - whole.keys()]
    wrong += [f"left behind: {path}" for path in half_written(project)]
    return Outcome(name, not wrong, f"{len(whole)} artifacts equal", "\n".join(wrong))


def half_written(project: Project) -> list[Path]:
    """Whatever was being written when a job ended."""
    results = project.folder / "results"
    scratch = [path for path in (results / ".scratch").glob("*") if path.is_dir()]
    return scratch + [path for path in results.rglob(".*") if path.name not in (".cache", ".scratch", ".runs")]


def cases(jobs: dict[str, PlannedJob]) -> list[Case]:
    """A full disk for each verb, a full cache, and results that may not be written; none where disks cannot be mounted.

    Args:
        jobs: a job of each verb.
    """
    if not can_mount():
        return []
    return [*full(jobs), FullDisk(jobs["compute_kstar"], 4096, cache_only=True), ReadOnly(jobs["draw_trends"])]


def full(jobs: dict[str, PlannedJob]) -> list[Case]:
    """A full disk for each verb; none where disks cannot be mounted."""
    return [FullDisk(job, room) for job in jobs.values() for room in (0, 12288)] if can_mount() else []
