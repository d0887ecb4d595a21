"""The action cache: results of jobs, stored under a key made from everything that shapes them.

Objects are written before the action that names them, and both appear by rename, so no action is ever incomplete.
Every copy is verified: by the SHA-256 that names the object, or by a faster checksum if it is large. If an object is
missing or damaged, the result is computed again, so no process ever waits for another. The same holds for a cache that
cannot be read or written.
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
from workflow_lib.cache.copying import copy_hashed, xxh3
from workflow_lib.cache.digests import content_digest
from workflow_lib.io.files import atomic, scratch_folder

LOST = (errno.EIO, errno.ESTALE)
"""Errors of reading, not of writing: a failing disk, or a file removed by another machine."""
LARGE = 1 << 20
"""Bytes from which a file has a checksum. SHA-256 of fewer takes no longer than to import xxhash."""


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
                    scratch = stack.enter_context(atomic(path))
                    self._copy_out(action.outputs[role], scratch, action.checksums.get(role))
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
            kept = {role: self._copy_in(path) for role, path in outputs.items()}
            digests = {role: digest for role, (digest, _) in kept.items()}
            action = Action(digests, record, {role: checksum for role, (_, checksum) in kept.items() if checksum})
            write_action(action, action_file(self._folder, key))
        except OSError as error:
            print(f"cache: the result is not kept for later runs: {error}", file=sys.stderr)
            return Action({role: content_digest(path) for role, path in outputs.items()}, record, {})
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

    def _copy_in(self, path: Path) -> tuple[str, str | None]:
        """Store the bytes of a file; returns its SHA-256 and its checksum, if it has one.

        An existing object is replaced, which repairs it and marks it as just used.
        """
        digest, checksum = hashlib.sha256(), xxh3() if path.stat().st_size >= LARGE else None
        with scratch_folder(self._folder / "objects", ".new-") as scratch, path.open("rb", buffering=0) as source:
            copy_hashed(source, scratch / "object", *filter(None, (digest, checksum)))
            target = object_file(self._folder, digest.hexdigest())
            target.parent.mkdir(exist_ok=True)
            (scratch / "object").replace(target)
        return digest.hexdigest(), checksum.hexdigest() if checksum else None

    def _copy_out(self, digest: str, path: Path, checksum: str | None = None) -> None:
        file = object_file(self._folder, digest)
        try:
            source = file.open("rb", buffering=0)
        except OSError as error:
            raise _LostError(f"{file} cannot be read ({error.strerror})") from None
        fast = xxh3() if checksum else None
        found = fast or hashlib.sha256()
        with source:
            try:
                copy_hashed(source, path, found)
            except OSError as error:
                if error.errno in LOST:
                    raise _LostError(f"{file} cannot be read ({error.strerror})") from None
                raise
        if found.hexdigest() != (checksum if fast else digest):
            with contextlib.suppress(OSError):
                file.unlink()
            raise _LostError(f"{file} was damaged and is removed")


class _LostError(Exception):
    """A cached object is missing, or its bytes do not match its digest or checksum."""
