"""Content digests of files, remembered by path, size, times and inode so that a large file is read once."""

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

from workflow_lib.io.files import atomic

RACY_SECONDS = 2.0
"""A file written this recently may be written again within one tick of its clock: its digest is not remembered."""


def content_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class DigestMemory:
    """Digests of files that have not changed since they were last read.

    Args:
        folder: where one small record per file is kept; a lost or damaged record costs one more reading.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def digest(self, path: Path) -> str:
        """SHA-256 of the bytes of `path`, or of names and bytes of all files below it if it is a folder."""
        if path.is_dir():
            lines = [f"{self.digest(file)} {file.relative_to(path).as_posix()}\n" for file in _files_below(path)]
            return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()
        stat = path.stat()
        # The time of change, unlike that of modification, cannot be set back: a file written to is read again.
        identity = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        name = hashlib.sha256(str(path.absolute()).encode(errors="surrogateescape")).hexdigest()
        record = self._folder / name[:2] / name[2:]
        if (known := _recall(record)) and known[:-1] == identity:
            return str(known[-1])
        digest = content_digest(path)
        if time.time() - stat.st_ctime > RACY_SECONDS:
            # A cache that is full or may only be read costs another reading, not the job.
            with contextlib.suppress(OSError), atomic(record) as scratch:
                scratch.write_text(json.dumps([*identity, digest]))
        return digest


def _files_below(folder: Path, above: tuple[str, ...] = ()) -> Iterator[Path]:
    """All files below a folder, in the order of their names.

    Links are followed, as readers of data sets do, except where they lead back to a folder above.
    """
    place = os.path.realpath(folder)
    if place in above:
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            yield from _files_below(path, (*above, place))
        elif path.is_file():
            yield path


def _recall(record: Path) -> list[object] | None:
    try:
        known = json.loads(record.read_text())
    except (OSError, ValueError):
        return None
    return known if isinstance(known, list) and known else None


def cache_folder() -> Path:
    """The cache: `$LATENT_ATLAS_CACHE`, shared by checkouts and users, or `results/.cache`.

    It does not move with the results of a config, so that all configs share it.
    """
    return Path(os.environ.get("LATENT_ATLAS_CACHE") or "results/.cache")


def code_memory() -> Path:
    """Folder that remembers what sources say."""
    return cache_folder() / "code"
