"""Check that files and folders named in a config exist, have the right kind, and are readable."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from workflow_lib.errors import Problem, listed

FOLDER = ".zarr"
"""Ending of a store that is a folder."""


def problems(
    where: str, files: Mapping[str, str], suffixes: tuple[str, ...] | None = None, made: Sequence[str] = ()
) -> Iterator[Problem]:
    """Problems of paths, each at its key inside `where`.

    Args:
        where: key path of the section with the paths.
        files: path by key.
        suffixes: allowed endings of file names; an empty tuple requires folders; None allows files of any name.
        made: folders of the results of this config, which must not be its inputs.
    """
    for key, text in files.items():
        words = _made_here(Path(text), made) or _wrong(Path(text), suffixes)
        if words:
            yield Problem(f"{where}.{key}", text, *words)


def _made_here(path: Path, made: Sequence[str]) -> tuple[str, str] | None:
    """The problem of a path to a result of this workflow, and its repair, or None."""
    if not any(path.resolve().is_relative_to(Path(folder).resolve()) for folder in made):
        return None
    allowed = "is a result of this workflow: what is made from it would not be made again when it changes"
    return allowed, "copy it to a place outside the results, and name the copy"


def _wrong(path: Path, suffixes: tuple[str, ...] | None) -> tuple[str, str] | None:
    """The problem of one path and its repair, or None."""
    if not path.exists():
        allowed = f"there is no such file or folder; looked for {path.absolute()}"
        return allowed, "put it there, or correct the path (relative paths begin at the working directory)"
    if suffixes and not path.name.endswith(suffixes):
        allowed = f"the name must end in one of {listed(suffixes)}"
        return allowed, "save the arrays in one of these formats, or name another file"
    wants_folder = suffixes == () or (suffixes is not None and path.suffix == FOLDER)
    if path.is_dir() != wants_folder:
        found, wanted = ("file", "folder") if wants_folder else ("folder", "file")
        return f"is a {found}, and a {wanted} is wanted", f"name the {wanted}"
    if not os.access(path, os.R_OK | os.X_OK if wants_folder else os.R_OK):
        return "you have no right to read it", "ask its owner, or give yourself the right with chmod"
    return None
