"""The action cache: results of jobs by the key of everything that shapes them.

Layout: `actions/<key>` lists the digests of a job's outputs and its record; `objects/<digest>` holds the bytes.
Objects are written before the action that names them, and both appear by rename, so an action is never half there.
"""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_lib.files import atomic
from workflow_lib.runner.digests import content_digest


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

    def restore(self, key: str, outputs: Mapping[str, Path]) -> dict[str, Any] | None:
        """Put the outputs of an earlier job in their places.

        Args:
            key: from `action_key`.
            outputs: role of each output and where it shall appear.

        Returns:
            The record stored with them, or None when they are not all there and whole. A damaged object is
            removed, so that the job that follows stores it afresh.
        """
        try:
            action = json.loads(self._action(key).read_text())
        except (OSError, ValueError):
            return None
        digests: dict[str, str] = action["outputs"]
        if set(digests) != set(outputs):
            return None
        if not all(self._copy_out(digests[role], path) for role, path in outputs.items()):
            return None
        os.utime(self._action(key))
        return dict(action["record"])

    def store(self, key: str, outputs: Mapping[str, Path], record: Mapping[str, Any]) -> None:
        """Keep finished outputs under `key`."""
        digests = {role: self._copy_in(path) for role, path in outputs.items()}
        with atomic(self._action(key)) as scratch:
            scratch.write_text(json.dumps({"outputs": digests, "record": dict(record)}, sort_keys=True))

    def _action(self, key: str) -> Path:
        return self._folder / "actions" / key[:2] / key[2:]

    def _object(self, digest: str) -> Path:
        return self._folder / "objects" / digest[:2] / digest[2:]

    def _copy_in(self, path: Path) -> str:
        digest = content_digest(path)
        if not self._object(digest).exists():
            with atomic(self._object(digest)) as scratch:
                shutil.copyfile(path, scratch)
        return digest

    def _copy_out(self, digest: str, path: Path) -> bool:
        source = self._object(digest)
        try:
            with atomic(path) as scratch:
                shutil.copyfile(source, scratch)
                if content_digest(scratch) != digest:
                    raise _DamagedError
        except FileNotFoundError:
            return False
        except _DamagedError:
            print(f"cache: {source} was damaged and is removed; computing again", file=sys.stderr)
            source.unlink(missing_ok=True)
            return False
        return True


class _DamagedError(Exception):
    """The bytes of a cached object are not those that its name says."""
