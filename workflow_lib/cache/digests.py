"""Content digests of files, remembered by path, size, times and inode so that large files are read only once."""

import contextlib
import hashlib
import itertools
import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from workflow_lib.io.files import atomic
from workflow_lib.io.folders import entries_below

RACY_SECONDS = 2.0
"""Digests of files changed this recently are not remembered: a second write in one clock tick would go unnoticed."""


def content_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def identity(stat: os.stat_result) -> list[int]:
    """Size, times and inode: they differ after a file was written, also if it then got its former content and date.

    Unlike the modification time, ctime cannot be set back.
    """
    return [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]


def identities(paths: Iterable[Path], *, hidden: bool = True) -> dict[str, list[int]]:
    """Identity of each of these files and folders, of everything below the folders, and of links; [] if missing.

    Args:
        paths: the files and folders.
        hidden: whether entries below the folders whose names begin with a dot count, too.
    """
    return {str(path): _identity_now(path) for path in {path for start in paths for path in _parts(start, hidden)}}


def _parts(start: Path, hidden: bool) -> Iterator[Path]:
    """A file or folder, and all files and folders below it."""
    for entry in (start, *(entries_below(start, hidden=hidden) if start.is_dir() else ())):
        yield entry
        yield from itertools.takewhile(lambda parent: parent.is_relative_to(start), entry.parents)


def _identity_now(path: Path) -> list[int]:
    """Identity of a file and of the link to it. It is opened, because network file systems cache the times of files."""
    found = []
    with contextlib.suppress(OSError):
        found = identity(path.lstat()) if path.is_symlink() else []
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            found += identity(os.fstat(file))
        finally:
            os.close(file)
    return found


class DigestMemory:
    """Digests of files, computed again only if a file has changed.

    Args:
        folder: holds one small record per file; if a record is lost or damaged, the file is read again.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def digest(self, path: Path, *, hidden: bool = True) -> str:
        """SHA-256 of the bytes of a file, or of the names and bytes of all files below a folder.

        Args:
            path: the file or folder.
            hidden: whether files and folders below it whose names begin with a dot count, too.
        """
        if path.is_dir():
            lines = [
                f"{self.digest(entry) if entry.is_file() else '-'} {entry.relative_to(path).as_posix()}\n"
                for entry in entries_below(path, hidden=hidden)
            ]
            return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
        stat = path.stat()
        if (known := _recall(self._record(path))) and known[:-1] == identity(stat):
            return str(known[-1])
        digest = content_digest(path)
        if time.time() - stat.st_ctime > RACY_SECONDS:
            self.remember(path, stat, digest)
        return digest

    def remember(self, path: Path, stat: os.stat_result, digest: str) -> None:
        """Remember the digest of a file as long as its status is `stat`.

        A write in the clock tick of the last change goes unnoticed: that must be over, or the file must contain
        checksums of its own.
        """
        # If the cache is full or read-only, the file is read again next time; the job goes on.
        with contextlib.suppress(OSError), atomic(self._record(path)) as scratch:
            scratch.write_text(json.dumps([*identity(stat), digest]))

    def _record(self, path: Path) -> Path:
        name = hashlib.sha256(str(path.absolute()).encode(errors="surrogateescape")).hexdigest()
        return self._folder / name[:2] / name[2:]


def _recall(record: Path) -> list[object] | None:
    try:
        known = json.loads(record.read_text())
    except (OSError, ValueError):
        return None
    return known if isinstance(known, list) and known else None


def cache_folder() -> Path:
    """Folder of the cache: `$LATENT_ATLAS_CACHE`, which checkouts and users can share, or `results/.cache`.

    It does not depend on the results folder of a config, so all configs share it.
    """
    return Path(os.environ.get("LATENT_ATLAS_CACHE") or "results/.cache")


def code_memory() -> Path:
    """Folder in which the analysis of source files is cached."""
    return cache_folder() / "code"
