"""Make an action cache fit a budget, while other processes read and write it.

In use is what was stored or used within the last minutes: a writer that has stored its objects, but not yet the
action that names them, is left alone. A reader whose object goes all the same reads on, for a file stays until
it is closed, or misses it and computes.
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
"""A scratch folder this old belongs to a process that was killed."""
SIZES = {"": 1, "B": 1} | {
    f"{prefix}{kind}": base**power
    for power, prefix in enumerate("KMGT", start=1)
    for kind, base in {"": 1000, "B": 1000, "IB": 1024}.items()
}


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


def parse_size(text: str) -> int:
    """Bytes in `10GB` (powers of 1000), `10GiB` (powers of 1024), `500 MB`, `0`.

    Raises:
        ValueError: the text is not a size.
    """
    match = re.fullmatch(r"(\d+\.?\d*)\s*([a-z]*)", text.strip(), re.IGNORECASE)
    if match is None or match[2].upper() not in SIZES:
        raise ValueError(f"'{text}' is not a size: write a number with B, kB, MB, GB, TB, KiB, MiB, GiB or TiB")
    return int(float(match[1]) * SIZES[match[2].upper()])


def describe(done: Pruned, budget: int) -> str:
    """What was removed, and why more is left than the budget allows if that is so."""
    text = (
        f"removed {done.actions:,} jobs, {done.objects:,} objects, {size_text(done.freed)}; {size_text(done.left)} left"
    )
    if done.left > budget:
        text += f", more than {size_text(budget)}: used within the last {IN_USE_SECONDS / 60:.0f} minutes"
    return text


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
