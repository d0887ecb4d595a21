"""`latent-atlas new`: a folder for a study of one's own, from the templates beside this file."""

import os
from pathlib import Path
from typing import Literal, get_args

from workflow_lib.errors import Problem, UserError

HERE = Path(__file__).parent
EVERY = "all"
"""Folder of the templates that every study gets."""
SCHEMA = HERE.parents[1] / "docs" / "config.schema.json"
Kind = Literal["images", "model", "embeddings"]
"""What the user brings."""


def make(folder: Path, kind: Kind) -> list[str]:
    """Make the folder, if it is not there, and put the templates of this kind into it; returns their names.

    Raises:
        UserError: there is something in the folder already, or it cannot be made.
    """
    names = []
    try:
        if problem := _problem(folder):
            raise UserError(problem)
        folder.mkdir(exist_ok=True)
        for file in sorted(file for part in (kind, EVERY) for file in (HERE / part).iterdir() if file.is_file()):
            names.append(file.name.replace("gitignore", ".gitignore"))
            (folder / names[-1]).write_text(file.read_text("utf-8").replace("SCHEMA", str(SCHEMA)), "utf-8")
    except OSError as error:
        raise UserError(Problem(str(folder), "", str(error.strerror), "name a folder on a writable disk")) from None
    return names


def _problem(folder: Path) -> Problem | None:
    """Why nothing can be made here; None if something can."""
    shown = str(folder)
    if not shown.isprintable():
        return Problem(repr(shown), "", "has characters that cannot be printed", "choose a name of usual characters")
    if os.path.lexists(folder) and not folder.is_dir():
        return Problem(shown, "", "is there and is not a folder", "name a folder that is not there yet")
    if folder.is_dir() and any(folder.iterdir()):
        return Problem(shown, "", "has files in it, which stay untouched", "name a folder that is new or empty")
    if not folder.parent.is_dir():
        return Problem(shown, "", f"there is no folder {folder.parent} to make it in", f"mkdir -p {folder.parent}")
    return None


KINDS: tuple[Kind, ...] = get_args(Kind)
