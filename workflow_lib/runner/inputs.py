"""Inputs of a job, proved to be what the jobs before it made.

The record beside an artifact holds the digest of its bytes. An artifact with other bytes was damaged or edited: it is
put aside, and replaced from the cache, or missing from then on so that Snakemake makes it anew.
"""

import contextlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.cache.store import ActionCache
from workflow_lib.errors import Problem, UserError
from workflow_lib.runner import records

NO_INPUT = "run snakemake, which makes the inputs of a job before the job"
ZIPPED = (".zip", ".pt")
"""Suffixes of artifacts that bring check sums of their own."""


def sound_digests(
    inputs: Mapping[str, Path], results: Path, memory: DigestMemory, cache: ActionCache
) -> dict[str, str]:
    """Digest of each input by its role.

    Args:
        inputs: path by role.
        results: folder that holds artifacts and, in `provenance`, their records.
        memory: digests of files that have not changed.
        cache: where the bytes of damaged artifacts are looked for.

    Raises:
        UserError: inputs are missing, or are damaged and not in the cache; names them all.
    """
    found = {role: _proved(path, results, memory, cache) for role, path in inputs.items()}
    problems = [digest for digest in found.values() if isinstance(digest, Problem)]
    if problems:
        raise UserError(*problems)
    return {role: str(digest) for role, digest in found.items()}


def sound_hints(hints: Sequence[Path], results: Path, memory: DigestMemory, cache: ActionCache) -> list[Path]:
    """Those of these files that are there and undamaged, or could be brought back; a job does without the others."""
    return [path for path in hints if isinstance(_proved(path, results, memory, cache), str)]


def _proved(path: Path, results: Path, memory: DigestMemory, cache: ActionCache) -> str | Problem:
    """Digest of an artifact, brought back from the cache if need be; or what is wrong with it."""
    try:
        digest = memory.digest(path)
    except FileNotFoundError:
        return Problem(str(path), "", "the file does not exist", NO_INPUT)
    expected = records.digest_of(path, results)
    sound = _is_readable(path) if expected is None else digest == expected
    return expected or digest if sound or mend(path, expected, cache) else _damaged(path)


def _is_readable(path: Path) -> bool:
    """Whether the check sums of an artifact without a record are right, as far as it has any."""
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
    """Put a damaged artifact aside as `….damaged`; whether it could be brought back from the cache.

    Args:
        path: the artifact.
        digest: SHA-256 that it had when it was made, or None where that is not known.
        cache: where its bytes may be kept.
    """
    with contextlib.suppress(FileNotFoundError):  # another job that reads it has just done the same
        path.replace(aside(path))
    mended = digest is not None and cache.mend(path, digest)
    print(f"{path}: damaged or edited; put aside as {aside(path).name}", file=sys.stderr)
    if mended:
        print(f"{path}: taken from the cache again", file=sys.stderr)
    return mended


def aside(path: Path) -> Path:
    """Where a damaged artifact goes, for the user to look at or to delete."""
    return path.with_name(f"{path.name}.damaged")


def _damaged(path: Path) -> Problem:
    return Problem(
        str(path),
        "",
        "the file is damaged or was edited: its bytes are not those that were written",
        f"run snakemake again, which makes it anew; what was there is now {aside(path).name}",
    )
