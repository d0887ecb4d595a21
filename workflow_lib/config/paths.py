"""Check that files and folders named in a config exist, have the right kind, and are readable; or can be made."""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from workflow_lib.errors import Problem, listed
from workflow_lib.io.folders import entries_below

FOLDER = ".zarr"
"""Ending of a store that is a folder."""
CHECKPOINT = re.compile(r"(\w+)/seed-(\d+)/interval-(\d+)\.pt")
"""Path of a checkpoint in its folder of results."""
EITHER = ("",)
"""Endings where both files and folders of any name are allowed."""


def problems(
    where: str, files: Mapping[str, str], suffixes: tuple[str, ...] | None = None, made: Sequence[str] = ()
) -> Iterator[Problem]:
    """Problems of paths, each at its key inside `where`.

    Args:
        where: key path of the section with the paths.
        files: path by key.
        suffixes: allowed endings of file names; an empty tuple requires folders; None allows files of any name,
            EITHER also folders.
        made: folders of the results of this config, which must not be its inputs.
    """
    for key, text in files.items():
        words = _made_here(Path(text), made) or _wrong(Path(text), suffixes)
        if words:
            yield Problem(f"{where}.{key}", text, *words)


def folder_problems(where: str, folder: Path) -> Iterator[Problem]:
    """Reasons why a folder cannot be made if it is missing: it, or one above, is a file or a link to nowhere."""
    for path in (folder, *folder.parents):
        if path.exists() and not path.is_dir():
            yield Problem(where, str(path), "is a file, and a folder is wanted", "move it away, or name another folder")
        elif path.is_symlink() and not path.exists():
            allowed = f"is a link that leads nowhere: {path.readlink()}"
            yield Problem(where, str(path), allowed, "make the folder that it leads to, or remove the link")


def _made_here(path: Path, made: Sequence[str]) -> tuple[str, str] | None:
    """The problem of a path to a result of this workflow, and its repair, or None."""
    folders = [Path(folder).resolve() for folder in made]
    inside = next((path.resolve().relative_to(f) for f in folders if path.resolve().is_relative_to(f)), None)
    if inside is None:
        return None
    allowed = "is a result of this workflow: what is made from it would not be made again when it changes"
    if point := CHECKPOINT.fullmatch(inside.as_posix()):
        return allowed, "write weights: {{model: {}, seed: {}, interval: {}}}".format(*point.groups())
    return allowed, "copy it to a place outside the results, and name the copy"


def _wrong(path: Path, suffixes: tuple[str, ...] | None) -> tuple[str, str] | None:
    """The problem of one path and its repair, or None."""
    if not path.exists():
        allowed = f"there is no such file or folder; looked for {path.absolute()}"
        return allowed, "put it there, or correct the path (relative paths begin at the working directory)"
    if suffixes and not path.name.endswith(suffixes):
        allowed = f"the name must end in one of {listed(suffixes)}"
        return allowed, "save the arrays in one of these formats, or name another file"
    if not path.is_file() and not path.is_dir():
        return "is no regular file, but a pipe, a socket or a device", "name a regular file"
    wants_folder = suffixes == () or (suffixes is not None and path.suffix == FOLDER)
    wants_folder = path.is_dir() if suffixes == EITHER else wants_folder
    if path.is_dir() != wants_folder:
        found, wanted = ("file", "folder") if wants_folder else ("folder", "file")
        return f"is a {found}, and a {wanted} is wanted", f"name the {wanted}"
    if not os.access(path, os.R_OK | os.X_OK if wants_folder else os.R_OK):
        return "you have no right to read it", "ask its owner, or give yourself the right with chmod"
    return _missing_chunks(path) if path.suffix == FOLDER else None


def _missing_chunks(store: Path) -> tuple[str, str] | None:
    """The problem of a Zarr folder with links to nowhere, which would be read as empty chunks, or with pipes."""
    odd = [entry for entry in entries_below(store, hidden=True) if not entry.is_file() and not entry.is_dir()]
    if not odd:
        return None
    return f"holds {len(odd)} links that lead nowhere or pipes, such as {odd[0]}", "fetch or remove them"
