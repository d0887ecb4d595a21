"""Shrink an action cache to a budget, safely while other processes read and write it.

Entries stored or used in the last minutes are in use and stay. This protects a writer that has stored its objects but
not yet the action that names them. A reader whose object is removed anyway can finish reading an open file; otherwise
it does not find the object and computes the result.
"""

import contextlib
import re
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from workflow_lib.cache.actions import object_file, scratch_folders
from workflow_lib.cache.inventory import KeptAction, size_text, take_inventory

IN_USE_SECONDS = 600.0
ABANDONED_SECONDS = 86400.0
"""A scratch folder older than this belongs to a process that was killed."""
SIZES = {"": 1, "B": 1} | {
    f"{prefix}{kind}": base**power
    for power, prefix in enumerate("KMGT", start=1)
    for kind, base in {"": 1000, "B": 1000, "IB": 1024}.items()
}


@dataclass(frozen=True)
class Pruned:
    """Result of pruning.

    Attributes:
        actions, objects: number of removed actions and objects.
        freed, left: bytes of removed and of remaining objects.
    """

    actions: int
    objects: int
    freed: int
    left: int


def prune(folder: Path, budget: int, in_use: float = IN_USE_SECONDS) -> Pruned:
    """Remove actions with their objects, least recently used first, until the remaining objects fit the budget.

    Damaged actions, actions with lost objects, and objects that no action names are always removed.

    Args:
        folder: root of the cache.
        budget: maximum total size of objects in bytes.
        in_use: entries used in the last `in_use` seconds stay, even if they exceed the budget.

    Raises:
        OSError: a file cannot be removed, for example by a read-only user.
    """
    latest = time.time() - in_use
    _sweep_scratch(folder)
    inventory = take_inventory(folder)
    names = Counter(digest for kept in inventory.actions for digest in kept.digests)
    unnamed = set(inventory.sizes) - set(names)
    total = sum(size for digest, size in inventory.sizes.items() if digest not in unnamed)
    removed_actions = 0
    for kept in inventory.actions:
        if (total > budget or _is_useless(kept, inventory.sizes)) and _remove_idle(kept.file, latest):
            removed_actions += 1
            for digest in kept.digests:
                names[digest] -= 1
                if not names[digest]:
                    unnamed.add(digest)
                    total -= inventory.sizes.get(digest, 0)
    gone = [d for d in unnamed & set(inventory.sizes) if _remove_idle(object_file(folder, d), latest)]
    freed = sum(inventory.sizes[digest] for digest in gone)
    return Pruned(removed_actions, len(gone), freed, sum(inventory.sizes.values()) - freed)


def parse_size(text: str) -> int:
    """Parse a size to bytes: `10GB` (powers of 1000), `10GiB` (powers of 1024), `500 MB`, `0`.

    Raises:
        ValueError: the text is not a size.
    """
    match = re.fullmatch(r"(\d+\.?\d*)\s*([a-z]*)", text.strip(), re.IGNORECASE)
    if match is None or match[2].upper() not in SIZES:
        raise ValueError(f"'{text}' is not a size: write a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB")
    return int(float(match[1]) * SIZES[match[2].upper()])


def describe(done: Pruned, budget: int) -> str:
    """Summary of what was removed, with the reason if more is left than the budget allows."""
    text = (
        f"removed {done.actions:,} jobs, {done.objects:,} objects, {size_text(done.freed)}; {size_text(done.left)} left"
    )
    if done.left > budget:
        text += f", more than {size_text(budget)}: used within the last {IN_USE_SECONDS / 60:.0f} minutes"
    return text


def _is_useless(kept: KeptAction, sizes: dict[str, int]) -> bool:
    return not kept.action or not kept.digests <= set(sizes)


def _remove_idle(file: Path, latest: float) -> bool:
    """Remove a file unless it was used after `latest`; returns whether it was removed. Reads the time of use again."""
    try:
        if file.stat().st_mtime > latest:
            return False
        file.unlink()
    except FileNotFoundError:
        return False
    return True


def _sweep_scratch(folder: Path) -> None:
    for scratch in scratch_folders(folder):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - scratch.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(scratch, ignore_errors=True)
