"""What the action cache remembers of one job, and the places of things in its folder.

Below the folder: `actions/<key>` names a job's outputs by digest, `objects/<digest>` holds their bytes,
`counts/<verb>.hits` and `.misses` have one byte per event. Whatever starts with a dot is being written.
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
VERB = re.compile("[a-z_]+")


class Action(NamedTuple):
    """A job that was done.

    Attributes:
        outputs: SHA-256 of each output by its role.
        record: where the outputs came from, as `runner/records.py` has it.
    """

    outputs: dict[str, str]
    record: dict[str, Any]

    @property
    def verb(self) -> str:
        """Name of the step; "unknown" when the record does not tell."""
        verb = self.record.get("verb")
        return verb if isinstance(verb, str) and VERB.fullmatch(verb) else "unknown"


def read_action(file: Path) -> Action | None:
    """The action in a file; None when it is missing, cannot be read, or has not the form of an action."""
    try:
        content = json.loads(file.read_bytes())
        outputs, record = content["outputs"], content["record"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return None
    if not (isinstance(outputs, dict) and isinstance(record, dict)):
        return None
    whole = all(isinstance(digest, str) and DIGEST.fullmatch(digest) for digest in outputs.values())
    return Action(outputs, record) if whole else None


def write_action(action: Action, file: Path) -> None:
    """Write an action so that it appears whole."""
    with atomic(file) as scratch:
        scratch.write_text(json.dumps({"outputs": action.outputs, "record": action.record}, sort_keys=True))


def action_file(folder: Path, key: str) -> Path:
    """Where a cache keeps the action of a key; its time of change is that of its last use."""
    return folder / "actions" / key[:2] / key[2:]


def object_file(folder: Path, digest: str) -> Path:
    """Where a cache keeps the bytes of a digest."""
    return folder / "objects" / digest[:2] / digest[2:]


def kept_files(folder: Path, kind: Literal["actions", "objects"]) -> Iterator[Path]:
    """Every whole action or object of a cache."""
    for parent, folders, files in os.walk(folder / kind):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(parent, name) for name in files if not name.startswith("."))


def scratch_folders(folder: Path) -> Iterator[Path]:
    """Every folder of a cache in which something is being written, or was when its writer was killed."""
    # `Path.glob` raises when a folder vanishes under its eyes; `os.walk` goes on.
    for parent, folders, _ in os.walk(folder):
        yield from (Path(parent, name) for name in folders if name.startswith("."))
        folders[:] = [name for name in folders if not name.startswith(".")]


def count(folder: Path, verb: str, event: Event) -> None:
    """Count one event; where that cannot be written, it is not counted.

    One byte is added to a file whose size is the count: processes need no lock, and no count can be half written.
    """
    file = folder / "counts" / f"{verb}.{event}"
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab", buffering=0) as counter:
            counter.write(b".")


def counted(folder: Path) -> dict[tuple[str, Event], int]:
    """Number of events by verb and kind."""
    events: tuple[Event, ...] = ("hits", "misses")
    return {
        (file.stem, event): file.stat().st_size for event in events for file in (folder / "counts").glob(f"*.{event}")
    }
