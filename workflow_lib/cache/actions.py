"""Actions, the cache's entries for jobs, and the layout of the cache folder.

In the folder, `actions/<key>` lists the digests of a job's outputs, `objects/<digest>` holds their bytes, and
`counts/<verb>.hits` and `.misses` have one byte per event. Names that start with a dot are still being written.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from workflow_lib.io.files import atomic

Event = Literal["hits", "misses"]
DIGEST = re.compile("[0-9a-f]{64}")
CHECKSUM = re.compile("[0-9a-f]{32}")
VERB = re.compile("[a-z_]+")


class Action(NamedTuple):
    """A finished job.

    Attributes:
        outputs: SHA-256 of each output, by role.
        record: origin of the outputs, from `runner/records.py`.
        checksums: XXH3 of large outputs, by role; outputs without one are verified by their SHA-256.
    """

    outputs: dict[str, str]
    record: dict[str, Any]
    checksums: dict[str, str]

    @property
    def verb(self) -> str:
        """Name of the step; "unknown" if the record lacks it."""
        verb = self.record.get("verb")
        return verb if isinstance(verb, str) and VERB.fullmatch(verb) else "unknown"


def read_action(file: Path) -> Action | None:
    """The action in a file; None if the file is missing, unreadable or not an action."""
    try:
        content = json.loads(file.read_bytes())
        outputs, record, checksums = content["outputs"], content["record"], content.get("checksums", {})
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    whole = isinstance(record, dict) and _all_match(DIGEST, outputs) and _all_match(CHECKSUM, checksums)
    return Action(outputs, record, checksums) if whole else None


def _all_match(pattern: re.Pattern[str], values: object) -> bool:
    return isinstance(values, dict) and all(isinstance(v, str) and pattern.fullmatch(v) for v in values.values())


def write_action(action: Action, file: Path) -> None:
    """Write an action atomically."""
    with atomic(file) as scratch:
        scratch.write_text(json.dumps(action._asdict(), sort_keys=True))


def action_file(folder: Path, key: str) -> Path:
    """Path of the action of a key; its modification time is the time of its last use."""
    return folder / "actions" / key[:2] / key[2:]


def object_file(folder: Path, digest: str) -> Path:
    """Path of the object with this digest."""
    return folder / "objects" / digest[:2] / digest[2:]


def kept_files(folder: Path, kind: Literal["actions", "objects"]) -> Iterator[Path]:
    """All completely written actions or objects of a cache."""
    for parent, folders, files in os.walk(folder / kind):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in files if not name.startswith("."))


def scratch_folders(folder: Path) -> Iterator[Path]:
    """All scratch folders of a cache: of running writers, and of writers that were killed."""
    # `Path.glob` raises if a folder vanishes meanwhile; `os.walk` continues.
    for parent, folders, _ in os.walk(folder):
        yield from (Path(parent, name) for name in folders if name.startswith("."))
        folders[:] = [name for name in folders if not name.startswith(".")]


def count(folder: Path, verb: str, event: Event) -> None:
    """Count one event; skipped if the file cannot be written.

    Each event appends one byte to a file, whose size is the count. So processes need no lock, and no count can be
    partially written.
    """
    file = folder / "counts" / f"{verb}.{event}"
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab", buffering=0) as counter:
            counter.write(b".")


def counted(folder: Path) -> dict[tuple[str, Event], int]:
    """Number of events, by verb and kind."""
    events: tuple[Event, ...] = ("hits", "misses")
    return {
        (file.stem, event): file.stat().st_size for event in events for file in (folder / "counts").glob(f"*.{event}")
    }
