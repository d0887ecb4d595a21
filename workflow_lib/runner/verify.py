"""Check every artifact against the record of its bytes: `make verify`, or `python -m workflow_lib.runner.verify`.

Jobs check what they read before they read it. This is for what no job reads, such as figures, and for peace of mind
after a failing disk.
"""

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from workflow_lib.cache.digests import cache_folder, content_digest
from workflow_lib.cache.store import ActionCache
from workflow_lib.runner.inputs import aside, mend
from workflow_lib.runner.records import FOLDER, digest_of

RESULTS = Path("results")


def damaged(results: Path) -> tuple[int, list[Path]]:
    """Number of artifacts that were compared with their records, and those whose bytes are others; reads them all."""
    root = results / FOLDER
    artifacts = [results / record.relative_to(root).with_suffix("") for record in sorted(root.rglob("*.json"))]
    recorded = {path: digest for path in artifacts if path.is_file() and (digest := digest_of(path, results))}
    return len(recorded), [path for path, digest in recorded.items() if content_digest(path) != digest]


def main(arguments: Sequence[str]) -> int:
    """Print which artifacts are damaged; 1 when any is and was not repaired, else 0."""
    parser = argparse.ArgumentParser(prog="python -m workflow_lib.runner.verify", description="Check all artifacts.")
    parser.add_argument("--repair", action="store_true", help="put damaged ones aside, and bring back what is kept")
    repair = parser.parse_args(arguments).repair
    count, wrong = damaged(RESULTS)
    print(f"{count} artifacts checked, {len(wrong)} damaged or edited since they were made")
    cache = ActionCache(cache_folder())
    for path in wrong:
        print(f"{path}{_repaired(path, cache) if repair else ''}")
    if wrong and not repair:
        print("To put them aside, and to bring back what the cache has kept: make repair")
    return 1 if wrong and not repair else 0


def _repaired(path: Path, cache: ActionCache) -> str:
    if mend(path, digest_of(path, RESULTS), cache):
        return f": taken from the cache again; what was there is now {aside(path).name}"
    return f": put aside as {aside(path).name}; to make it anew: snakemake {shlex.quote(str(path))}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
