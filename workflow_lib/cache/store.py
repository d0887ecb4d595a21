"""The action cache: results of jobs, stored under a key made from everything that shapes them.

Objects are written before the action that names them, and both appear by rename, so no action is ever incomplete.
Digests are verified on every copy. If an object is missing or damaged, the result is computed again, so no process
ever waits for another. The same holds for a cache that cannot be read or written.
"""

import contextlib
import errno
import hashlib
import json
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from workflow_lib.cache.actions import Action, action_file, count, object_file, read_action, write_action
from workflow_lib.cache.copying import copy_with_digest
from workflow_lib.cache.digests import content_digest
from workflow_lib.io.files import atomic, scratch_folder

LOST = (errno.EIO, errno.ESTALE)
"""Errors of reading, not of writing: a failing disk, or a file removed by another machine."""


def action_key(**parts: object) -> str:
    """SHA-256 of the canonical JSON of everything that shapes a result."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class ActionCache:
    """Cached results of jobs in one folder, safe for several processes at once.

    Args:
        folder: root of the cache; created on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str, roles: Collection[str]) -> Action | None:
        """The action of a key; None if it is unknown, its outputs have other roles, or its record has another key."""
        action = read_action(action_file(self._folder, key))
        return action if action and set(action.outputs) == set(roles) and action.record.get("key") == key else None

    def restore(self, key: str, action: Action, outputs: Mapping[str, Path]) -> bool:
        """Copy the outputs of an earlier job from the cache: all of them, or none.

        Args:
            key: from `action_key`.
            action: from `find`.
            outputs: target path of each output, by role.

        Returns:
            Whether all objects existed and were intact. A damaged object is removed, so that the recomputed one is
            stored again.

        Raises:
            OSError: an output cannot be written.
        """
        try:
            with contextlib.ExitStack() as stack:
                for role, path in outputs.items():
                    self._copy_out(action.outputs[role], stack.enter_context(atomic(path)))
        except _LostError as error:
            print(f"cache: {error}; computing again", file=sys.stderr)
            return False
        with contextlib.suppress(OSError):
            os.utime(action_file(self._folder, key))
        count(self._folder, action.verb, "hits")
        return True

    def store(self, key: str, outputs: Mapping[str, Path], record: Mapping[str, Any]) -> Action:
        """Store finished outputs under `key`, which their record then names.

        If the cache cannot be written, print a message and continue.
        """
        record = {**record, "key": key}
        try:
            action = Action({role: self._copy_in(path) for role, path in outputs.items()}, record)
            write_action(action, action_file(self._folder, key))
        except OSError as error:
            print(f"cache: the result is not kept for later runs: {error}", file=sys.stderr)
            return Action({role: content_digest(path) for role, path in outputs.items()}, record)
        count(self._folder, action.verb, "misses")
        return action

    def mend(self, path: Path, digest: str) -> bool:
        """Replace a damaged file by the object with this digest; returns whether it existed and was intact."""
        try:
            with atomic(path) as scratch:
                self._copy_out(digest, scratch)
        except _LostError:
            return False
        return True

    def _copy_in(self, path: Path) -> str:
        """Store the bytes of a file. An existing object is replaced, which repairs it and marks it as just used."""
        with scratch_folder(self._folder / "objects", ".new-") as scratch, path.open("rb", buffering=0) as source:
            digest = copy_with_digest(source, scratch / "object")
            target = object_file(self._folder, digest)
            target.parent.mkdir(exist_ok=True)
            (scratch / "object").replace(target)
        return digest

    def _copy_out(self, digest: str, path: Path) -> None:
        file = object_file(self._folder, digest)
        try:
            source = file.open("rb", buffering=0)
        except OSError as error:
            raise _LostError(f"{file} cannot be read ({error.strerror})") from None
        with source:
            try:
                whole = copy_with_digest(source, path) == digest
            except OSError as error:
                if error.errno in LOST:
                    raise _LostError(f"{file} cannot be read ({error.strerror})") from None
                raise
        if not whole:
            with contextlib.suppress(OSError):
                file.unlink()
            raise _LostError(f"{file} was damaged and is removed")


class _LostError(Exception):
    """A cached object is missing, or its bytes do not match its digest."""
