"""Results that the plan no longer names: `latent-atlas orphans`.

Only what lies below the folder of results is looked at. Links are neither followed nor touched.
"""

import os
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow_lib.cache.inventory import size_text
from workflow_lib.config.config import COMPANIONS, FOLDERS
from workflow_lib.errors import Problem, UserError
from workflow_lib.plan.jobs import PlannedJob, all_jobs
from workflow_lib.plan.plan import Plan
from workflow_lib.runner.records import record_path

DAY = 86_400.0
"""Seconds after which a hidden scratch file cannot belong to a job that is alive."""


@dataclass(frozen=True)
class Orphan:
    """A file that no job of the plan makes.

    Attributes:
        path: below the folder of results.
        size: in bytes.
        is_artifact: whether it is a result, not a record, log or benchmark of one.
    """

    path: Path
    size: int
    is_artifact: bool


def orphans(plans: Collection[Plan]) -> list[Orphan]:
    """Files below the plans' folders of results that none of them names, sorted by path.

    Hidden files, such as what a killed job left half-written, are orphans when they are older than a day.
    """
    named = {path for plan in plans for job in all_jobs(plan) for path in _files_of(job, Path(plan.results))}
    return [
        Orphan(path, path.lstat().st_size, folder in FOLDERS)
        for results in sorted({plan.results for plan in plans})
        for folder in (*FOLDERS, *COMPANIONS)
        for path in sorted(_files_below(Path(results, folder)))
        if path not in named and not _is_in_work(path)
    ]


def remove(found: Iterable[Orphan]) -> None:
    """Remove orphans, and the folders that are empty without them.

    Raises:
        UserError: for all that could not be removed; the others are gone.
    """
    problems = []
    for orphan in found:
        try:
            orphan.path.unlink(missing_ok=True)
            _remove_empty(orphan.path.parent)
        except OSError as error:
            reason = f"cannot be removed: {(error.strerror or str(error)).lower()}"
            problems.append(Problem(str(orphan.path), "", reason, "make its folder writable and try again"))
    if problems:
        raise UserError(*problems)


def describe(found: Sequence[Orphan]) -> str:
    """Artifacts with their sizes, one a line, and the sum over everything."""
    if not found:
        return "No orphans: the config names all results."
    artifacts = [orphan for orphan in found if orphan.is_artifact]
    others = [orphan for orphan in found if not orphan.is_artifact]
    lines = [f"{_size([orphan]):>9}  {orphan.path}" for orphan in artifacts]
    if others:
        lines.append(f"{_size(others):>9}  {len(others)} records, logs and benchmarks")
    return "\n".join([*lines, f"{_size(found):>9}  in all"])


def _files_of(job: PlannedJob, results: Path) -> Iterator[Path]:
    """Every file that a job leaves: its outputs with their records, its log, its benchmark."""
    for artifact in job.makes:
        yield Path(artifact)
        yield record_path(Path(artifact), results)
    yield results / "logs" / f"{job.name}.log"
    yield results / "benchmarks" / f"{job.name}.tsv"


def _files_below(folder: Path) -> Iterator[Path]:
    if folder.is_symlink():
        return
    for parent, _, names in os.walk(folder, followlinks=False):
        yield from (path for name in names if not (path := Path(parent, name)).is_symlink())


def _is_in_work(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden and time.time() - path.lstat().st_mtime < DAY


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those around it, as long as they are empty and lie inside one kind of results."""
    while folder.name not in (*FOLDERS, *COMPANIONS) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _size(found: Iterable[Orphan]) -> str:
    return size_text(sum(orphan.size for orphan in found))
