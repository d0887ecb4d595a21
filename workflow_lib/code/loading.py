"""Watch what a user's function loads and reads: code that reading its source does not show is refused.

Names that are put together at run time (`importlib.import_module`, `exec`, plug-ins) cannot be followed, so an edit of
such code would not be noticed. Python reports every file that it opens.
"""

import contextlib
import functools
import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Collection, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from typing import Any

from workflow_lib.bytecode import in_package
from workflow_lib.code.owners import owners
from workflow_lib.code.search import is_shared, search_path

CODE = (".py", ".pyc", *EXTENSION_SUFFIXES)
COMPILED = f".{sys.implementation.cache_tag}."
"""In the names of byte code that is compared with a source when it is loaded."""
SYSTEM = ("dev", "etc", "lib", "lib64", "proc", "sys", "usr", "var")
"""Folders of `/` that hold no data of users."""
_watchers: list[Callable[[Path], None]] = []
"""What is told of each file that is opened; empty except in `watched`."""


@contextlib.contextmanager
def watched(known: Collection[Path], refusal: Callable[[Path], Exception]) -> Iterator[set[Path]]:
    """Raise an exception where the block loads other code of users; yield a set that takes the other files it reads.

    What C code opens without asking Python is not seen, nor what other processes open. The files of the code that has
    come this far may be read: a library that notes where it was called from, as torch does, reads their lines.

    Args:
        known: files of code that may be loaded.
        refusal: makes the exception for a file. It is raised once more after the block, if the block has caught it.
    """
    callers = (Path(frame.f_code.co_filename) for frame, _ in traceback.walk_stack(None))
    allowed = {file.resolve() for file in (*known, *callers)}
    read: set[Path] = set()
    refused: list[Exception] = []

    def look(path: Path) -> None:
        file = path.resolve()
        if file in allowed:
            return
        if not file.name.endswith(CODE):
            if _is_data(file):
                read.add(file)
        elif COMPILED not in file.name and _is_own(file):
            refused.append(refusal(path))
            raise refused[0]

    _listen()
    _watchers.append(look)
    try:
        yield read
    finally:
        _watchers.remove(look)
    if refused:
        raise refused[0]


@functools.cache
def _listen() -> None:
    """Let Python report to `_watchers`. It cannot be told to stop, so it is told once."""
    sys.addaudithook(_heard)


def _heard(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watchers or event not in ("open", "import"):
        return
    path, flags = (arguments[0], arguments[2]) if event == "open" else (arguments[1], os.O_RDONLY)
    if isinstance(path, str | bytes | os.PathLike) and flags & os.O_ACCMODE == os.O_RDONLY:
        for look in _watchers:
            look(Path(os.fsdecode(path)))


def _is_own(file: Path) -> bool:
    """Whether a file of code is a user's own: not this package's, not installed, not made by a library on the way."""
    if in_package(str(file.parent)) or is_shared(file):
        return False
    roots = [Path(entry) for entry in search_path() if file.is_relative_to(entry or ".")]
    if roots:
        root = max(roots, key=lambda root: len(root.parts))
        return file.relative_to(root).parts[0].partition(".")[0] not in owners(root)
    return not file.is_relative_to(tempfile.gettempdir())


def _is_data(file: Path) -> bool:
    hidden = any(part.startswith((".", "__pycache__")) for part in file.parts)
    return file.is_file() and not (hidden or is_shared(file) or file.parts[1] in SYSTEM)
