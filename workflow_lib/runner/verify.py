"""Check every artifact against its recorded digest: `latent-atlas verify`, `latent-atlas repair`.

Jobs check their own inputs. This also checks artifacts that no job reads, such as figures, for example after a disk
failure.
"""

import shlex
from collections.abc import Sequence
from pathlib import Path

from workflow_lib.cache.digests import cache_folder, content_digest
from workflow_lib.cache.store import ActionCache
from workflow_lib.runner.inputs import aside, mend
from workflow_lib.runner.records import FOLDER, digest_of


def damaged(results: Path) -> tuple[int, list[Path]]:
    """Number of artifacts compared with their records, and the paths whose bytes differ; reads all of them."""
    root = results / FOLDER
    artifacts = [results / record.relative_to(root).with_suffix("") for record in sorted(root.rglob("*.json"))]
    recorded = {path: digest for path in artifacts if path.is_file() and (digest := digest_of(path, results))}
    return len(recorded), [path for path, digest in recorded.items() if content_digest(path) != digest]


def repaired(path: Path, results: Path, options: Sequence[str] = ()) -> str:
    """Rename a damaged artifact and restore it from the cache if possible; returns a description of what was done.

    Args:
        path: the artifact.
        results: folder of all results.
        options: of the command line that make `latent-atlas` find the config and the results.
    """
    if mend(path, digest_of(path, results), ActionCache(cache_folder())):
        return f"restored from the cache; the damaged file is now {aside(path).name}"
    return (
        f"renamed to {aside(path).name}; to make it again: {shlex.join(['latent-atlas', 'run', *options, str(path)])}"
    )
