"""Make an action cache fit a budget, while other processes read and write it.

In use is what was stored or used within the last minutes: a writer that has stored its objects, but not yet the
action that names them, is left alone. A reader whose object goes all the same reads on, for a file stays until
it is closed, or misses it and computes.
"""

import contextlib
import shutil
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from workflow_lib.cache.actions import object_file, scratch_folders
from workflow_lib.cache.inventory import KeptAction, take_inventory

IN_USE_SECONDS = 600.0
ABANDONED_SECONDS = 86400.0
"""A scratch folder this old belongs to a process that was killed."""


@dataclass(frozen=True)
class Pruned:
    """What was removed, and what is left.

    Attributes:
        actions, objects: number of each that was removed.
        freed, left: bytes of objects that went, and that stay.
    """

    actions: int
    objects: int
    freed: int
    left: int


def prune(folder: Path, budget: int, in_use: float = IN_USE_SECONDS) -> Pruned:
    """Remove whole actions, least recently used first, until the objects of those that stay fit the budget.

    Actions that are damaged or whose objects are lost go in any case, and so do objects that no action names.

    Args:
        folder: root of the cache.
        budget: bytes that its objects may take.
        in_use: seconds since its last use for which nothing is removed, even beyond the budget.

    Raises:
        OSError: something cannot be removed, as by a user who may only read.
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


def _is_useless(kept: KeptAction, sizes: dict[str, int]) -> bool:
    return not kept.action or not kept.digests <= set(sizes)


def _remove_idle(file: Path, latest: float) -> bool:
    """Remove a file unless it was used after `latest`, or is gone; looks again, for it may just have been used."""
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
