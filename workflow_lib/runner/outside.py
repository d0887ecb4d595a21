"""What a job takes from outside of the results: files and functions of the user, as its spec names them."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

Outside = dict[str, dict[str, str]]
"""Digest of each file or folder by its path, under `files`, or under `visible` if hidden entries of the folder are not
read; of each `module:function`, under `functions`."""


class Digest(Protocol):
    """Function that returns the digest of a file or folder."""

    def __call__(self, path: Path, /, *, hidden: bool = True) -> str:
        """SHA-256 of `path` in hexadecimal, with or without the hidden entries below a folder."""


def outside(
    *,
    files: Iterable[str] = (),
    visible: Iterable[str] = (),
    functions: Iterable[str] = (),
    digest: Digest,
    source: Callable[[str], str],
) -> Outside:
    """Digests of files and functions as they are now; "" for a file that does not exist.

    Args:
        files: paths of files and folders, relative to the working directory.
        visible: paths of folders whose hidden entries are not read.
        functions: functions as "module:function".
        digest: returns the digest of a file or folder.
        source: returns the fingerprint of a function.
    """
    return {
        "files": {path: digest(Path(path)) if Path(path).exists() else "" for path in files},
        "visible": {path: digest(Path(path), hidden=False) if Path(path).exists() else "" for path in visible},
        "functions": {reference: source(reference) for reference in functions},
    }
