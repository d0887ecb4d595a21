"""Find results that the plan no longer includes: `latent-atlas orphans`.

Only files in the results folder are checked. Links are neither followed nor removed.
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
"""Seconds after which a hidden scratch file cannot belong to a running job."""


@dataclass(frozen=True)
class Orphan:
    """A file that no job of the plan makes.

    Attributes:
        path: path in the results folder.
        size: in bytes.
        is_artifact: True for a result, False for its record, log or benchmark.
    """

    path: Path
    size: int
    is_artifact: bool


def orphans(plans: Collection[Plan]) -> list[Orphan]:
    """Files in the results folders of the plans that none of the plans includes, sorted by path.

    Hidden files, such as partial outputs of a killed job, are orphans if they are older than a day.
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
    """Remove orphans, and the folders that are empty afterwards.

    Raises:
        UserError: lists the files that could not be removed; all others are removed.
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
    """List of artifacts with sizes, one per line, and the total size of all orphans."""
    if not found:
        return "No orphans: the config names all results."
    artifacts = [orphan for orphan in found if orphan.is_artifact]
    others = [orphan for orphan in found if not orphan.is_artifact]
    lines = [f"{_size([orphan]):>9}  {orphan.path}" for orphan in artifacts]
    if others:
        lines.append(f"{_size(others):>9}  {len(others)} records, logs and benchmarks")
    return "\n".join([*lines, f"{_size(found):>9}  in all"])


def _files_of(job: PlannedJob, results: Path) -> Iterator[Path]:
    """All files of a job: its outputs with their records, its log, its benchmark."""
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
    """Remove a folder and its parents, as long as they are empty and inside the folder of one kind of results."""
    while folder.name not in (*FOLDERS, *COMPANIONS) and not any(folder.iterdir()):
        folder.rmdir()
        folder = folder.parent


def _size(found: Iterable[Orphan]) -> str:
    return size_text(sum(orphan.size for orphan in found))
