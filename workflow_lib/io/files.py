"""Atomic files: they appear under their names only when complete."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from workflow_lib.errors import Problem, UserError

ATTEMPTS = 20
_open: set[Path] = set()


@contextlib.contextmanager
def scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    """Yield a new folder in `parent`; it is removed with its content after the block."""
    folder = parent / f"{prefix}{os.urandom(6).hex()}"
    _open.add(folder)
    try:
        _make(folder)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _open.discard(folder)


def _make(folder: Path) -> None:
    """Create a folder that only its owner can enter, and its parents; retry, as other jobs remove empty parents."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir(mode=0o700)
        except (FileNotFoundError, FileExistsError):
            if attempt == ATTEMPTS:
                raise
        else:
            return


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a scratch path beside `path`; it replaces `path` if the block ends without an error."""
    with scratch_folder(path.parent, f".{path.name[:60]}.") as folder:
        scratch = folder / path.name
        yield scratch
        scratch.replace(path)


def remove_scratch() -> None:
    """Remove all scratch folders of this process, before it exits immediately."""
    for folder in list(_open):
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # fails, and the folder stays, if it holds something else, such as the state of a job


def require_writable(folder: Path) -> None:
    """Raise UserError if a folder exists and is not writable."""
    if folder.exists() and not os.access(folder, os.W_OK):
        raise UserError(
            Problem(
                str(folder),
                "",
                "results cannot be made: this folder may only be read",
                f"give yourself the right to write, or let {folder} be a link to a folder of your own",
            )
        )
