"""Where the results of a plan come from: versions, commits, times and devices, from the records of results."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from workflow_lib.runner.records import record_path


@dataclass(frozen=True)
class Origin:
    """What the records of results say together.

    Attributes:
        results: number of results with a record.
        commits: of the project; "" outside a repository.
        versions: by name of the library; several if results were made with several.
        devices: kinds of devices.
        first, last: when the first and the last result were computed; None without a record.
        seconds: of computing, all jobs together; jobs beside one another count one by one.
    """

    results: int
    commits: list[str]
    versions: dict[str, list[str]]
    devices: list[str]
    first: datetime | None
    last: datetime | None
    seconds: float


def origin(artifacts: Iterable[str], results: str) -> Origin:
    """What the records of these results say; results without a readable record do not count."""
    found = [record for path in artifacts if (record := _record(Path(path), Path(results)))]
    jobs = {record.get("key"): record for record in found}  # outputs of one job have one key
    versions: dict[str, set[str]] = defaultdict(set)
    for record in found:
        versions["latent-atlas"].add(str(record.get("latent_atlas", "")))
        for name, version in record.get("versions", {}).items():
            versions[name].add(str(version))
    times = sorted(time for record in found if (time := _time(record)))
    return Origin(
        len(found),
        sorted({str(record.get("git", "")) for record in found} - {""}),
        {
            name: sorted(versions[name])
            for name in sorted(versions, key=lambda name: (name != "latent-atlas", name != "python", name))
        },
        sorted({str(record.get("device", "")) for record in found} - {""}),
        times[0] if times else None,
        times[-1] if times else None,
        sum(float(record.get("seconds", 0)) for record in jobs.values()),
    )


def _record(artifact: Path, results: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(record_path(artifact, results).read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and artifact.exists() else None


def _time(record: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(record["time"])
    except (KeyError, TypeError, ValueError):
        return None
