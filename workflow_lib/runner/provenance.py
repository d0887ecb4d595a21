"""Where an artifact came from: a small record beside the results, outside of anything compared."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def write(record: Mapping[str, Any], digest: str, artifact: Path, results: Path, scratch: Path) -> None:
    """Write the record of `artifact`, with the digest of its bytes, to `results/provenance/…/<artifact>.json`.

    It is written to `scratch` first, which takes its place: a kill leaves nothing half written among the records.
    """
    place = _place(artifact, results)
    place.parent.mkdir(parents=True, exist_ok=True)
    scratch.write_text(json.dumps({**record, "digest": digest}, indent=1, sort_keys=True) + "\n")
    scratch.replace(place)


def forget(artifacts: Iterable[Path], results: Path) -> None:
    """Remove the records of artifacts that are about to change, lest a kill leaves one that speaks of other bytes."""
    for artifact in artifacts:
        _place(artifact, results).unlink(missing_ok=True)


def digest_of(artifact: Path, results: Path) -> str | None:
    """SHA-256 that an artifact had when it was made; None when no record tells."""
    try:
        digest = json.loads(_place(artifact, results).read_bytes())["digest"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return digest if isinstance(digest, str) else None


def _place(artifact: Path, results: Path) -> Path:
    inside = artifact.relative_to(results) if artifact.is_relative_to(results) else Path(artifact.name)
    return results / "provenance" / f"{inside}.json"
