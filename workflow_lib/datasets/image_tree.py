"""The images, or sounds, of a tree of class folders, and what else lies there."""

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.io.folders import entries_below

SUFFIXES = (
    *(".apng", ".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm"),
    *(".tif", ".tiff", ".webp"),
)
FOREIGN = (
    *(".avif", ".dng", ".exr", ".hdr", ".heic", ".heif", ".j2k", ".jp2", ".jpx", ".jxl", ".pfm", ".psd", ".svg"),
    *(".tga",),
)
"""Suffixes of images that are not read: nobody wants to lose these without a word."""


class Kind(NamedTuple):
    """What files are looked for.

    Attributes:
        noun: what they are called, in the plural.
        read: suffixes of those that are read.
        foreign: suffixes of those that are not read, and are not passed over without a word.
        repair: what to do with a foreign one.
    """

    noun: str
    read: tuple[str, ...]
    foreign: tuple[str, ...]
    repair: str


IMAGES = Kind("images", SUFFIXES, FOREIGN, "save it as PNG")
SHOWN = 10
"""Largest number of files named in one message."""
PARTS = ("train", "training", "test", "testing", "val", "valid", "validation")
"""Usual names of the folders of splits, which are not classes."""


@dataclass(frozen=True)
class ImageTree:
    """What lies below a folder; hidden files and folders are passed over, links are followed.

    Attributes:
        classes: sorted files of the wanted kind in each class folder, by its path; a class may have none.
        unusable: a problem for each file that is not there or is of a kind that is not read.
        others: files of no wanted kind, or in no class folder.
    """

    classes: dict[Path, list[Path]] = field(default_factory=dict)
    unusable: list[Problem] = field(default_factory=list)
    others: list[Path] = field(default_factory=list)

    @property
    def images(self) -> list[Path]:
        """All image files, class by class."""
        return [file for members in self.classes.values() for file in members]


def look_through(folders: Sequence[Path], root: Path, wanted: Collection[str] = (), kind: Kind = IMAGES) -> ImageTree:
    """Sort out all files below `root`, where `folders` hold the class folders.

    Of classes that are not among those `wanted`, if there are any, no files are listed.

    Raises:
        UserError: a folder is missing or has no class folders; or the folders are those of splits, not of classes.
    """
    tree = ImageTree()
    for entry in entries_below(root) if root.is_dir() else ():
        lineage = (entry, *entry.parents)
        place = next((at for at, folder in enumerate(lineage) if folder in folders), 0)
        if place > 1 or (place == 1 and entry.is_dir()):
            folder = lineage[place - 1]
            members = tree.classes.setdefault(folder, [])
            if not wanted or unicodedata.normalize("NFC", folder.name) in wanted:
                _add(entry, members, tree, kind)
        elif not entry.is_dir():
            _add(entry, None, tree, kind)
    problems = [
        _no_classes(folder, root, kind.noun) for folder in folders if folder not in {c.parent for c in tree.classes}
    ]
    if not problems and root in folders:
        problems = _parts(root, [folder.name for folder in tree.classes])
    if problems:
        raise UserError(*problems)
    return tree


def _add(entry: Path, members: list[Path] | None, tree: ImageTree, kind: Kind) -> None:
    """Note what an entry is; `members` are the files of its class folder, None outside of all of them."""
    suffix = entry.suffix.lower()
    if entry.is_dir():
        return
    if not entry.exists():
        repair = "fetch what the link leads to, or remove the link"
        tree.unusable.append(Problem(str(entry), str(entry.readlink()), "the link leads nowhere", repair))
    elif members is None or suffix not in (*kind.read, *kind.foreign):
        tree.others.append(entry)
    elif not entry.is_file():
        tree.unusable.append(Problem(str(entry), "", "this is no regular file", "remove it"))
    elif suffix in kind.foreign:
        allowed = f"{kind.noun} of this kind are not read; those that are end in {listed(kind.read)}"
        tree.unusable.append(Problem(str(entry), "", allowed, kind.repair))
    else:
        members.append(entry)


def _no_classes(folder: Path, root: Path, noun: str) -> Problem:
    """A folder that holds no class folders, or does not exist."""
    if folder.is_dir():
        return Problem(str(folder), "", "the folder has no class folders", f"make one folder of {noun} per class there")
    if folder == root:
        return Problem(str(folder), "", "the folder does not exist", "correct root")
    there = listed(sorted(path.name for path in root.glob("[!.]*") if path.is_dir()), SHOWN)
    allowed = f"the folder does not exist; in {root} there are: {there}"
    repair = "name the two folders train and test, or set test_fraction if each folder there is a class"
    return Problem(str(folder), "", allowed, repair)


def _parts(root: Path, names: list[str]) -> list[Problem]:
    """The problem of folders that are splits. One of several may be a class: there are images of trains."""
    parts = [name for name in names if name.lower() in PARTS]
    if len(parts) < min(2, len(names)):
        return []
    allowed = "with test_fraction each folder is a class, and these look like splits"
    repair = "leave test_fraction out, with folders named train and test; or rename the classes"
    return [Problem(str(root), listed(parts), allowed, repair)]


def merged(problems: Sequence[Problem]) -> list[Problem]:
    """The problems of many files as one for each kind, which counts the files and names the first."""
    kinds: dict[tuple[str, str], list[Problem]] = {}
    for problem in problems:
        kinds.setdefault((problem.allowed, problem.repair), []).append(problem)
    return [_many(alike) if len(alike) > 1 else alike[0] for alike in kinds.values()]


def _many(alike: list[Problem]) -> Problem:
    first = f"; the first: {alike[0].value}" if alike[0].value else ""
    where = listed((problem.where for problem in alike), SHOWN)
    return alike[0]._replace(where=where, value=f"{len(alike)} files{first}")
