"""Check that the inputs of a job are what earlier jobs wrote.

The record of an artifact holds the digest of its bytes. If the bytes differ, the artifact was damaged or edited: it is
renamed and restored from the cache. If the cache lacks it, it is missing and Snakemake makes it again.
"""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.cache.store import ActionCache
from workflow_lib.errors import Problem, UserError
from workflow_lib.runner import records

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


def sound_hints(hints: Sequence[Path], results: Path, memory: DigestMemory, cache: ActionCache) -> list[Path]:
    """The files that exist and are undamaged or could be restored; the job runs without the others."""
    return [path for path in hints if isinstance(_proved(path, results, memory, cache), str)]


def _proved(path: Path, results: Path, memory: DigestMemory, cache: ActionCache) -> str | Problem:
    """Digest of an artifact, restored from the cache if damaged; or the problem with it."""
    try:
        digest = memory.digest(path)
    except FileNotFoundError:
        return Problem(str(path), "", "the file does not exist", NO_INPUT)
    expected = records.digest_of(path, results)
    sound = _is_readable(path) if expected is None else digest == expected
    return expected or digest if sound or mend(path, expected, cache) else _damaged(path)


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

    Args:
        path: the artifact.
        digest: SHA-256 of the artifact when it was made, or None if unknown.
        cache: may hold its bytes.
    """
    with contextlib.suppress(FileNotFoundError):  # another job that reads it was faster
        path.replace(aside(path))
    mended = digest is not None and cache.mend(path, digest)
    print(f"{path}: damaged or edited; renamed to {aside(path).name}", file=sys.stderr)
    if mended:
        print(f"{path}: restored from the cache", file=sys.stderr)
    return mended


def aside(path: Path) -> Path:
    """Path to which a damaged artifact is renamed, for the user to inspect or delete."""
    return path.with_name(f"{path.name}.damaged")


def _damaged(path: Path) -> Problem:
    return Problem(
        str(path),
        "",
        "the file is damaged or was edited: its content differs from what was written",
        f"run snakemake again to remake it; the damaged file is now {aside(path).name}",
    )
