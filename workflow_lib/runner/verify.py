"""Check every artifact against the record of its bytes: `latent-atlas verify`, `latent-atlas repair`.

Jobs check what they read before they read it. This is for what no job reads, such as figures, and for peace of mind
after a failing disk.
"""

import shlex
from pathlib import Path

from workflow_lib.cache.digests import cache_folder, content_digest
from workflow_lib.cache.store import ActionCache
from workflow_lib.runner.inputs import aside, mend
from workflow_lib.runner.records import FOLDER, digest_of


def damaged(results: Path) -> tuple[int, list[Path]]:
    """Number of artifacts that were compared with their records, and those whose bytes are others; reads them all."""
    root = results / FOLDER
    artifacts = [results / record.relative_to(root).with_suffix("") for record in sorted(root.rglob("*.json"))]
    recorded = {path: digest for path in artifacts if path.is_file() and (digest := digest_of(path, results))}
    return len(recorded), [path for path, digest in recorded.items() if content_digest(path) != digest]


def repaired(path: Path, results: Path) -> str:
    """Put a damaged artifact aside and restore it from the cache, if that has it; says what was done."""
    if mend(path, digest_of(path, results), ActionCache(cache_folder())):
        return f"restored from the cache; what was there is now {aside(path).name}"
    return f"put aside as {aside(path).name}; to make it again: latent-atlas run {shlex.quote(str(path))}"
