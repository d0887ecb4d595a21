"""Small edits of a project, of which the rows of the contract are made."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from project import Project

Edit = Callable[[Project], object]

TICK = 10_000_000
"""Nanoseconds between the time stamps that are given anew: more than any file system needs to tell them apart."""
LONG_AGO = 1_000_000_000
"""Seconds: a time stamp older than all results."""


def nothing(project: Project) -> None:
    """No edit."""


def several(*edits: Edit) -> Edit:
    """One edit after another."""

    def edit(project: Project) -> None:
        for each in edits:
            each(project)

    return edit


def put(key: str, value: Any) -> Edit:
    """A setting of the config, named as in `models.net.seeds` or `models/net/seeds`; missing sections are made."""
    *sections, last = _parts(key)

    def change(config: dict[str, Any]) -> None:
        for name in sections:
            config = config.setdefault(name, {})
        config[last] = value

    return lambda project: project.edit_config(change)


def _parts(key: str) -> list[str]:
    return key.split("/" if "/" in key else ".")


def link(path: str, target: str) -> Edit:
    """A symbolic link, which may lead nowhere."""
    return _new(path, lambda file: file.symlink_to(target))


def pipe(path: str) -> Edit:
    """A pipe that nobody writes to."""
    return _new(path, os.mkfifo)


def _new(path: str, make: Callable[[Path], object]) -> Edit:
    def edit(project: Project) -> None:
        file = project.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        make(file)

    return edit


def take_out(key: str) -> Edit:
    """A setting of the config, removed."""
    return rename(key, None)


def rename(key: str, name: str | None) -> Edit:
    """An entry of the config under another name, in its place; None removes it."""
    *sections, last = _parts(key)

    def change(config: dict[str, Any]) -> None:
        for section in sections:
            config = config[section]
        entries = [(name if known == last else known, value) for known, value in config.items()]
        config.clear()
        config.update({known: value for known, value in entries if known is not None})

    return lambda project: project.edit_config(change)


def replace(path: str, old: str, new: str) -> Edit:
    """A text in a file, replaced."""
    return lambda project: project.edit(path, old, new)


def write(path: str, content: str | bytes | None) -> Edit:
    """A file of this content, or a folder."""

    def edit(project: Project) -> None:
        file = project.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            file.mkdir()
        else:
            file.write_bytes(content.encode() if isinstance(content, str) else content)

    return edit


def append(path: str, text: str) -> Edit:
    """A text at the end of a file; a file that is not there is made."""

    def edit(project: Project) -> None:
        with (project.folder / path).open("a") as file:
            file.write(text)

    return edit


def touch(*patterns: str) -> Edit:
    """The time stamps of files, set to now."""
    return _each(patterns, os.utime)


def remove(*patterns: str) -> Edit:
    """Files, or folders with all below them, deleted."""
    return _each(patterns, lambda path: shutil.rmtree(path) if path.is_dir() else path.unlink())


def _each(patterns: tuple[str, ...], do: Callable[[Path], object]) -> Edit:
    def edit(project: Project) -> None:
        for pattern in patterns:
            paths = sorted(project.folder.glob(pattern))
            assert paths, f"nothing is called {pattern}"
            for path in paths:
                do(path)

    return edit


def copied(project: Project) -> None:
    """New time stamps for all files, in the order of their names, as a copy of the folder has them."""
    files = sorted(file for file in project.folder.rglob("*") if file.is_file())
    began = time.time_ns() - (len(files) + 1) * TICK
    for i, file in enumerate(files):
        os.utime(file, ns=(began + i * TICK,) * 2)


def library(name: str, version: str) -> Edit:
    """Another version of an installed library, as far as its metadata tell."""

    def edit(project: Project) -> None:
        folder = project.folder / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")

    return edit
