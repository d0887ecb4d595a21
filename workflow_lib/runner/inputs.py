"""Inputs of a job, proved to be what the jobs before it made.

The record beside an artifact holds the digest of its bytes. An artifact with other bytes was damaged or edited: it is
put aside, and replaced from the cache, or missing from then on so that Snakemake makes it anew.
"""

import contextlib
import sys
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from workflow_lib.errors import Problem, UserError
from workflow_lib.runner import provenance
from workflow_lib.runner.cache import ActionCache
from workflow_lib.runner.digests import DigestMemory

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
    digests: dict[str, str] = {}
    problems = []
    for role, path in inputs.items():
        try:
            digest = memory.digest(path)
        except FileNotFoundError:
            problems.append(Problem(str(path), "", "the file does not exist", NO_INPUT))
            continue
        expected = provenance.digest_of(path, results)
        sound = _is_readable(path) if expected is None else digest == expected
        if sound or _mend(path, expected, cache):
            digests[role] = expected or digest
        else:
            problems.append(_damaged(path))
    if problems:
        raise UserError(*problems)
    return digests


def _is_readable(path: Path) -> bool:
    """Whether the check sums of an artifact without a record are right, as far as it has any."""
    if path.suffix not in ZIPPED:
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError):
        return False


def _mend(path: Path, digest: str | None, cache: ActionCache) -> bool:
    """Put a damaged artifact aside, and bring it back from the cache if that has it."""
    with contextlib.suppress(FileNotFoundError):  # another job that reads it has just done the same
        path.replace(_aside(path))
    if digest is None or not cache.mend(path, digest):
        return False
    print(
        f"{path}: damaged or edited; put aside as {_aside(path).name}, and taken from the cache again", file=sys.stderr
    )
    return True


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.damaged")


def _damaged(path: Path) -> Problem:
    return Problem(
        str(path),
        "",
        "the file is damaged or was edited: its bytes are not those that were written",
        f"run snakemake again, which makes it anew; what was there is now {_aside(path).name}",
    )
