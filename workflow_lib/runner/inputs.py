"""Check that the inputs of a job are what earlier jobs wrote.

The record of an artifact holds the digest of its bytes. If the bytes differ, the artifact was damaged or edited: it is
renamed and restored from the cache. If the cache lacks it, it is missing and Snakemake makes it again.
"""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from workflow_lib.cache.digests import DigestMemory, content_digest, identity
from workflow_lib.cache.store import ActionCache
from workflow_lib.errors import Problem, UserError
from workflow_lib.io.files import atomic
from workflow_lib.runner import records
from workflow_lib.runner.job import Job

NO_INPUT = "run snakemake: it makes missing inputs first"
ZIPPED = (".zip", ".pt")
"""Suffixes of artifacts that contain their own checksums."""


def sound_digests(
    inputs: Mapping[str, Path], results: Path, memory: DigestMemory, cache: ActionCache
) -> dict[str, str]:
    """Digest of each input, by role; damaged inputs are first restored from the cache.

    Args:
        inputs: path by role.
        results: folder of the artifacts and, in `provenance`, their records.
        memory: remembered digests of unchanged files.
        cache: source for restoring damaged artifacts.

    Raises:
        UserError: inputs are missing, or damaged and not in the cache; lists all of them.
    """
    found = {role: _proved(path, results, memory, cache) for role, path in inputs.items()}
    problems = [digest for digest in found.values() if isinstance(digest, Problem)]
    if problems:
        raise UserError(*problems)
    return {role: str(digest) for role, digest in found.items()}


def sound_hints(hints: Sequence[Path], job: Job, memory: DigestMemory, cache: ActionCache) -> list[Path]:
    """The hints that the job may use: made by its own code, and undamaged or restored. It runs without the others.

    A hint without a record is not used: nothing says which code has made it.
    """
    sound = [path for path in hints if isinstance(_proved(path, job.results, memory, cache), str)]
    used = [path for path in sound if records.has_same_maker(path, job)]
    for path in [path for path in sound if path not in used]:
        print(f"{path}: not used, its record does not say that it was made by the same code", file=sys.stderr)
    return used


def require_sound(inputs: Iterable[Path], results: Path, cache: ActionCache) -> None:
    """Read all inputs again after a step has failed: a disk may damage a file and leave its times as they are.

    Raises:
        UserError: inputs are damaged; they are restored if possible, or renamed.
    """
    damaged = [path for path in inputs if (digest := records.digest_of(path, results)) and _content(path) != digest]
    problems = []
    for path in damaged:
        mended = mend(path, records.digest_of(path, results), cache)
        problems.append(_restored(path) if mended else _damaged(path))
    if problems:
        raise UserError(*problems)


def correct_times(paths: Iterable[Path]) -> None:
    """Give the current time to results that are dated ahead: Snakemake would refuse everything made from them."""
    for path in paths:
        with contextlib.suppress(OSError):
            if path.stat().st_mtime > time.time():
                os.utime(path)


def _proved(path: Path, results: Path, memory: DigestMemory, cache: ActionCache) -> str | Problem:
    """Digest of an artifact, restored from the cache if damaged; or the problem with it."""
    try:
        read = path.stat()
        # Remembered digests do not notice damage by a disk; stores and checkpoints do, by their own checksums.
        digest = memory.digest(path) if path.suffix in ZIPPED else content_digest(path)
    except FileNotFoundError:
        return Problem(str(path), "", "the file does not exist", NO_INPUT)
    expected = records.digest_of(path, results)
    if digest == expected or (expected is None and _is_readable(path)):
        return digest
    if path.exists() and identity(path.stat()) != identity(read):  # restored by another job that reads it
        return _proved(path, results, memory, cache)
    return str(expected) if mend(path, expected, cache) else _damaged(path)


def _content(path: Path) -> str:
    return content_digest(path) if path.exists() else ""


def _is_readable(path: Path) -> bool:
    """Whether the internal checksums of an artifact are right; True if it has none."""
    if path.suffix not in ZIPPED:
        return True
    import zipfile
    import zlib

    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError):
        return False


def mend(path: Path, digest: str | None, cache: ActionCache) -> bool:
    """Rename a damaged artifact to `….damaged` and restore it from the cache; returns whether it was restored.

    If it is restored, there is a file at its path all the time, because other jobs open it.

    Args:
        path: the artifact.
        digest: SHA-256 of the artifact when it was made, or None if unknown.
        cache: may hold its bytes.
    """
    with contextlib.suppress(FileNotFoundError), atomic(aside(path)) as scratch:
        _link(path, scratch)
    mended = digest is not None and cache.mend(path, digest)
    if not mended:
        path.unlink(missing_ok=True)
    print(f"{path}: damaged or edited; renamed to {aside(path).name}", file=sys.stderr)
    if mended:
        print(f"{path}: restored from the cache", file=sys.stderr)
    return mended


def _link(path: Path, second: Path) -> None:
    """Give a file a second name; where the file system cannot, copy it."""
    try:
        second.hardlink_to(path)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(path, second)


def aside(path: Path) -> Path:
    """Path to which a damaged artifact is renamed, for the user to inspect or delete."""
    return path.with_name(f"{path.name}.damaged")


def _restored(path: Path) -> Problem:
    return Problem(
        str(path),
        "",
        "the file was damaged while it was read; it is restored from the cache",
        f"run snakemake again; the damaged file is now {aside(path).name}",
    )


def _damaged(path: Path) -> Problem:
    return Problem(
        str(path),
        "",
        "the file is damaged or was edited: its content differs from what was written",
        f"run snakemake again to remake it; the damaged file is now {aside(path).name}",
    )
