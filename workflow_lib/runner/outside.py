"""What a job takes from outside of the results: files and functions of the user, as its spec names them."""

from collections.abc import Callable, Iterable
from pathlib import Path

Outside = dict[str, dict[str, str]]
"""Digest of each file or folder by its path, under `files`; of each `module:function`, under `functions`."""


def outside(
    files: Iterable[str], functions: Iterable[str], digest: Callable[[Path], str], source: Callable[[str], str]
) -> Outside:
    """Digests of files and functions as they are now; "" for a file that does not exist.

    Args:
        files: paths of files and folders, relative to the working directory.
        functions: functions as "module:function".
        digest: returns the digest of a file or folder.
        source: returns the fingerprint of a function.
    """
    return {
        "files": {path: digest(Path(path)) if Path(path).exists() else "" for path in files},
        "functions": {reference: source(reference) for reference in functions},
    }
