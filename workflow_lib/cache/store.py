"""The action cache: results of jobs by the key of everything that shapes them.

Objects are written before the action that names them, and both appear by rename, so an action is never half there.
Bytes are verified whenever they are copied. An object that has gone or is damaged costs a computation, nothing else,
so no process ever waits for another. A cache that cannot be read or written costs the same.
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
"""Errors of reading, not of writing: a failing disk; a file that another machine has removed."""


def action_key(**parts: object) -> str:
    """SHA-256 of the canonical JSON of all that shapes a result."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


class ActionCache:
    """Results of jobs below one folder, safe for several processes at once.

    Args:
        folder: root of the cache; made when first written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, key: str, roles: Collection[str]) -> Action | None:
        """The action of a key, if it is known and made outputs of just these roles."""
        action = read_action(action_file(self._folder, key))
        return action if action and set(action.outputs) == set(roles) else None

    def restore(self, key: str, action: Action, outputs: Mapping[str, Path]) -> bool:
        """Put the outputs of an earlier job in their places: all of them, or none.

        Args:
            key: from `action_key`.
            action: what `find` knows of it.
            outputs: role of each output and where it shall appear.

        Returns:
            Whether they were all there and whole. A damaged object is removed, so that the job that follows
            stores it afresh.

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
        """Keep finished outputs under `key`; when the cache cannot be written, say so and go on."""
        try:
            action = Action({role: self._copy_in(path) for role, path in outputs.items()}, dict(record))
            write_action(action, action_file(self._folder, key))
        except OSError as error:
            print(f"cache: the result is not kept for later runs: {error}", file=sys.stderr)
            return Action({role: content_digest(path) for role, path in outputs.items()}, dict(record))
        count(self._folder, action.verb, "misses")
        return action

    def mend(self, path: Path, digest: str) -> bool:
        """Replace a damaged file by the kept bytes of its digest; whether they were there and whole."""
        try:
            with atomic(path) as scratch:
                self._copy_out(digest, scratch)
        except _LostError:
            return False
        return True

    def _copy_in(self, path: Path) -> str:
        """Keep the bytes of a file; an object that is there already is replaced, which heals it and makes it young."""
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
    """A cached object is not there, or its bytes are not those that its name says."""
