"""Contents of an action cache, and how often it was used."""

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from workflow_lib.cache.actions import Action, Event, counted, kept_files, read_action

HEADINGS = ("verb", "jobs", "objects", "size", "hits", "misses")
UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class KeptAction:
    """An action and its file; `action` is None if the file is damaged, `used` is the Unix time of its last use."""

    file: Path
    action: Action | None
    used: float

    @property
    def digests(self) -> set[str]:
        """Digests of the objects that the action names."""
        return set(self.action.outputs.values()) if self.action else set()


@dataclass(frozen=True)
class Inventory:
    """Contents of a cache at one moment.

    Attributes:
        actions: least recently used first.
        sizes: size of each object in bytes, by digest, including objects that no action names.
        counts: hits (jobs restored) and misses (jobs computed and stored), by verb.
    """

    actions: list[KeptAction]
    sizes: dict[str, int]
    counts: dict[tuple[str, Event], int]


def take_inventory(folder: Path) -> Inventory:
    """List the contents of a cache, without files that other processes remove meanwhile."""
    actions = [
        KeptAction(file, read_action(file), found.st_mtime)
        for file in kept_files(folder, "actions")
        if (found := _stat(file))
    ]
    sizes = {
        file.parent.name + file.name: found.st_size for file in kept_files(folder, "objects") if (found := _stat(file))
    }
    return Inventory(sorted(actions, key=lambda kept: kept.used), sizes, counted(folder))


def table(inventory: Inventory) -> str:
    """Table with a row per verb and a total. An object of several verbs counts in each row, but once in the total."""
    objects: dict[str, set[str]] = {verb: set() for verb, _ in inventory.counts}
    jobs: Counter[str] = Counter()
    for kept in inventory.actions:
        if kept.action:
            objects.setdefault(kept.action.verb, set()).update(kept.digests)
            jobs[kept.action.verb] += 1
    counts, sizes = inventory.counts, inventory.sizes
    rows = [
        _row(verb, jobs[verb], objects[verb], sizes, counts.get((verb, "hits"), 0), counts.get((verb, "misses"), 0))
        for verb in sorted(objects)
    ]
    events = {event: sum(n for (_, e), n in counts.items() if e == event) for event in ("hits", "misses")}
    unnamed = set(sizes).difference(*objects.values())
    if unnamed:
        rows.append(_row("no job", 0, unnamed, sizes, 0, 0))
    total = _row("all", jobs.total(), sizes, sizes, events["hits"], events["misses"])
    return aligned([list(HEADINGS), *rows, total])


def size_text(size: int) -> str:
    """Human-readable size, such as `1.2 MB`."""
    power = 0
    while power < len(UNITS) - 1 and round(size / 1000**power, 1) >= 1000:
        power += 1
    return f"{size / 1000**power:.{min(power, 1)}f} {UNITS[power]}"


def _stat(file: Path) -> os.stat_result | None:
    try:
        return file.stat()
    except OSError:
        return None


def _row(verb: str, jobs: int, objects: Iterable[str], sizes: dict[str, int], hits: int, misses: int) -> list[str]:
    there = [sizes[digest] for digest in objects if digest in sizes]
    return [verb, f"{jobs:,}", f"{len(there):,}", size_text(sum(there)), f"{hits:,}", f"{misses:,}"]


def aligned(rows: list[list[str]]) -> str:
    """Rows as text in columns: the first left-aligned, the others right-aligned."""
    first, *others = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for verb, *numbers in rows:
        lines.append(
            "  ".join([verb.ljust(first), *(n.rjust(width) for n, width in zip(numbers, others, strict=True))])
        )
    return "\n".join(lines)
