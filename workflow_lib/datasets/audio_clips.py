"""The clips of a data set of sounds: their files, classes and split, from class folders or from a table."""

import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.image_tree import SHOWN, Kind, look_through
from workflow_lib.datasets.imagefolder import wanted_classes
from workflow_lib.datasets.labelled_rows import empty
from workflow_lib.datasets.labels import look_alikes
from workflow_lib.datasets.text_table import read_text_columns
from workflow_lib.errors import Problem, listed, unknown

SOUNDS = Kind(
    "sounds",
    (
        *(".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".mp3", ".oga", ".ogg", ".opus", ".rf64", ".snd", ".w64"),
        ".wav",
    ),
    (".aac", ".ac3", ".amr", ".ape", ".m4a", ".mka", ".mp4", ".ra", ".spx", ".webm", ".wma", ".wv"),
    "save it as WAV or FLAC",
)


class Clips(NamedTuple):
    """Clips that are not read yet.

    Attributes:
        files: sound file of each clip.
        labels: class of each clip, by name.
        ids: unique name of each clip.
        class_names: all classes, also those of no clip here.
        in_test: (n,) whether each clip is in the test split; None if that is to be drawn.
    """

    files: list[Path]
    labels: list[str]
    ids: list[str]
    class_names: list[str]
    in_test: NDArray[np.bool_] | None


def clips_in_folders(spec: Mapping[str, Any]) -> tuple[Clips, list[Problem]]:
    """The sounds in `root/CLASS`, or in `root/train/CLASS` and `root/test/CLASS` without a `test_fraction`.

    Returns also the files that cannot be read, as problems.

    Raises:
        UserError: a folder is missing, has no class folders or is a split in place of a class.
    """
    root = Path(spec["root"])
    parted = spec["test_fraction"] is None
    tree = look_through([root / "train", root / "test"] if parted else [root], root, wanted_classes(spec), SOUNDS)
    if tree.others:
        print(
            f"{root}: left out {len(tree.others)} files, no sounds or in no class folder: {listed(tree.others, SHOWN)}",
            file=sys.stderr,
        )
    members = [(file, folder) for folder, files in tree.classes.items() for file in files]
    clips = Clips(
        [file for file, _ in members],
        [folder.name for _, folder in members],
        [file.relative_to(root).as_posix() for file, _ in members],
        sorted({folder.name for folder in tree.classes}),
        np.array([folder.parent.name == "test" for _, folder in members]) if parted else None,
    )
    return clips, tree.unusable


def clips_of_table(spec: Mapping[str, Any]) -> tuple[Clips, list[Problem]]:
    """The sounds that a table names, with their classes, and their split by a column or by speakers.

    Returns also what is missing or contradictory in it, as problems.

    Raises:
        UserError: the table is missing or damaged, or lacks a column.
    """
    table, keys = Path(spec["table"]), ["paths", "labels", "ids", "splits"]
    keys += ["speakers"] if spec["test_speakers"] else []
    names = {key: spec[key] for key in keys if spec[key]}
    columns = read_text_columns(table, names)
    column = {key: columns[name] for key, name in names.items()}
    paths, labels = column["paths"], column["labels"]
    named = [path or f"row {row}" for row, path in enumerate(paths)]
    found = [
        *(gap for key, texts in column.items() for gap in empty(table, spec[key], texts, named)),
        *_repeated(table, paths),
        *_outside(table, paths),
        *_no_split(table, column),
        *_no_speakers(table, column, spec),
    ]
    wanted = wanted_classes(spec)
    rows = [
        row
        for row, (path, label) in enumerate(zip(paths, labels, strict=True))
        if path and (not wanted or _composed(label) in wanted)
    ]
    in_test = None
    if spec["splits"]:
        in_test = np.array([column["splits"][row] == "test" for row in rows])
    elif spec["test_speakers"]:
        chosen = {*map(_composed, spec["test_speakers"])}
        in_test = np.array([_composed(column["speakers"][row]) in chosen for row in rows])
    clips = Clips(
        [Path(spec["root"], paths[row]) for row in rows],
        [labels[row] for row in rows],
        [column.get("ids", paths)[row] for row in rows],
        sorted({*labels}),
        in_test,
    )
    return clips, found


def _repeated(table: Path, paths: Sequence[str]) -> Iterator[Problem]:
    """Files that are named by several rows."""
    twice = [path for path, count in Counter(filter(None, map(_normal, paths))).items() if count > 1]
    if twice:
        yield Problem(str(table), listed(twice, SHOWN), "these files are listed more than once", "keep one row of each")


def _outside(table: Path, paths: Sequence[str]) -> Iterator[Problem]:
    """Files that are not among those whose changes are noticed."""
    outside = [path for path in paths if Path(path).is_absolute() or any(part[0] == "." for part in Path(path).parts)]
    if outside:
        allowed = "these files are hidden or not below root, so that their changes would not be noticed"
        repair = "choose a root that holds all sounds, and write paths from there, without .. and hidden folders"
        yield Problem(str(table), listed(outside, SHOWN), allowed, repair)


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _normal(path: str) -> str:
    return Path(path).as_posix() if path else ""


def _no_split(table: Path, column: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Values of the column of splits that name none."""
    others = sorted({*column.get("splits", ())} - {"train", "test", ""})
    if others:
        repair = "write train or test, and leave out rows of other splits, such as those for validation"
        yield Problem(str(table), listed(others, SHOWN), "a split is train or test", repair)


def _no_speakers(table: Path, column: Mapping[str, Sequence[str]], spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Test speakers of whom there is no clip, or no others to train on; speakers who may be the same."""
    yield from look_alikes(column.get("speakers", ()), f"{table}: {spec['speakers']}")
    present = sorted({_composed(name) for name in column.get("speakers", ()) if name.strip()})
    chosen = [*map(_composed, spec["test_speakers"] or ())]
    for name in chosen:
        if name not in present:
            yield unknown("test_speakers", name, "speaker", present)
    if chosen and not {*present} - {*chosen}:
        yield Problem("test_speakers", listed(chosen), "are all speakers, so there is nobody to train on", "name fewer")
