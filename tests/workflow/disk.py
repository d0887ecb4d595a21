"""Disks that are full or may not be written: told in words, nothing half written, finished when there is room."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from outcome import Case, Outcome, half_written, misfits
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


def _remount(folder: Path, options: str) -> None:
    _run("mount", "-o", f"remount,{options}", str(folder))


def _remove_outputs(project: Project, job: PlannedJob) -> None:
    for path in job.makes:
        (project.folder / path).unlink()


@dataclass(frozen=True)
class FullDisk:
    """A job whose outputs are missing meets a full disk.

    Attributes:
        job: to be done.
        room: bytes that are left.
        cache_only: whether the cache is on a disk of its own, and only that one is full.
    """

    job: PlannedJob
    room: int
    cache_only: bool = False

    @property
    def name(self) -> str:
        where = "the disk of the cache" if self.cache_only else "the disk"
        return f"{where} full in {self.job.verb}, {self.room} bytes left"

    def run(self, finished: Project, folder: Path) -> Outcome:
        project, target, wrong = finished.copy(folder / "project", cores=1), self.job.makes[0], list[str]()
        cache = project.folder / "results" / ".cache"
        shutil.rmtree(cache)
        cache.mkdir()
        _remove_outputs(project, self.job)
        disk = cache if self.cache_only else cache.parent
        with small_disk(disk):
            state = os.statvfs(disk)
            _remount(disk, f"size={(state.f_blocks - state.f_bfree) * state.f_frsize + self.room}")
            full = project.snakemake(target)
            told = full.output + "".join(map(project.log, full.started))
            if (full.code == 0) != self.cache_only:
                wrong.append(f"ended with {full.code}: {full.output[-800:]}")
            if "No space left on device" not in told or "Traceback" in told:
                wrong.append(f"did not say so in words: {told[-800:]}")
            if not self.cache_only and any((project.folder / path).exists() for path in self.job.makes):
                wrong.append("an output of the failed job is there")
            wrong += [f"left behind: {path}" for path in half_written(project)]
            _remount(disk, ROOMY)
            if (code := project.snakemake(target).code) != 0:
                wrong.append(f"ended with {code} when there was room")
            return Outcome("finished when there was room", wrong + misfits(project, finished.results()))


@dataclass(frozen=True)
class ReadOnly:
    """Results that may not be written: what is there can be looked at, and what is missing cannot be made."""

    job: PlannedJob

    @property
    def name(self) -> str:
        return f"results that may only be read, with {self.job.verb} to do"

    def run(self, finished: Project, folder: Path) -> Outcome:
        project, wrong = finished.copy(folder / "project", cores=1), list[str]()
        results = project.folder / "results"
        with small_disk(results):
            _remount(results, "ro")
            if (idle := project.snakemake()).code != 0 or idle.started:
                wrong.append(f"nothing was to be done, but: {idle.output[-800:]}")
            _remount(results, "rw")
            _remove_outputs(project, self.job)
            _remount(results, "ro")
            refused = project.snakemake()
            if refused.code != 1 or "may only be read" not in refused.output or "Traceback" in refused.output:
                wrong.append(f"ended with {refused.code}: {refused.output[-800:]}")
            _remount(results, "rw")
            if (code := project.snakemake().code) != 0:
                wrong.append(f"ended with {code} when it could be written")
            return Outcome("finished when it could be written", wrong + misfits(project, finished.results()))


def full(jobs: Iterable[PlannedJob]) -> list[Case]:
    """A full disk for each job; none where disks cannot be mounted."""
    return [FullDisk(job, room) for job in jobs for room in (0, 12288)] if can_mount() else []
