"""What the records beside the results say, compared with code and inputs as they are now."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from workflow_lib.cache.digests import content_digest
from workflow_lib.code.fingerprint import library_versions, module_digests
from workflow_lib.code.signature import step_module
from workflow_lib.runner.job import Job
from workflow_lib.runner.units import Unit

PARTS = {"spec": dict, "code": str, "inputs": dict, "key": str, "device": str, "versions": dict}
"""What a record must hold to be compared, by type."""


def record_path(artifact: str) -> Path:
    """Where the record of `results/…` lies."""
    return Path("results", "provenance", artifact.removeprefix("results/") + ".json")


def record_of(artifacts: Iterable[Path]) -> dict[str, Any] | None:
    """The record of artifacts that share one; None when there is none that can be read."""
    for artifact in artifacts:
        try:
            record = json.loads(record_path(str(artifact)).read_bytes())
        except (OSError, ValueError):
            continue
        if isinstance(record, dict) and all(isinstance(record.get(part), kind) for part, kind in PARTS.items()):
            return record
    return None


def changed_code(verb: str, code: str, record: Mapping[str, Any]) -> list[str]:
    """One line for each module or library that differs from those that the outputs were made with.

    Args:
        verb: name of the step.
        code: fingerprint of its code now.
        record: from `record_of`.
    """
    if record["code"] == code:
        return []
    modules = record.get("modules", {})
    changed = _changes(modules, module_digests(step_module(verb))) if modules else {}
    lines = [f"code: {name} {_change(old, new)}" for name, (old, new) in changed.items()]
    before = {name: version for name, version in record["versions"].items() if name != "python"}
    for name, (old, new) in _changes(before, library_versions(step_module(verb))).items():
        lines.append(f"library: {name} {old or '(not used)'} -> {new or '(not used)'}")
    return lines or [f"code: that of {verb} has changed"]


def changed_inputs(job: Job, unit: Unit, record: Mapping[str, Any]) -> list[str]:
    """What differs in the inputs of outputs whose settings and code are the same; nothing while their bytes are.

    Args:
        job: the job that makes them.
        unit: the outputs, possibly not there.
        record: from `record_of`.
    """
    inputs = job.files("input")
    replaced = _changes(record["inputs"], {name: str(path) for name, path in inputs.items()})
    newer = _newer(list(inputs.values()), list(unit.outputs.values()))
    if not (replaced or newer) or _is_made_from(job, unit, record):
        return []
    lines = [f"input: {old or '(none)'} -> {new or '(none)'}" for old, new in replaced.values()]
    return lines or [f"input: {path} has changed" for path in newer]


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Values before and now of each name whose value differs; "" where there is none."""
    names = sorted(before.keys() | now.keys())
    return {n: (before.get(n, ""), now.get(n, "")) for n in names if before.get(n) != now.get(n)}


def _change(old: str, new: str) -> str:
    return "has changed" if old and new else "is used now" if new else "is no longer used"


def _newer(inputs: list[Path], outputs: list[Path]) -> list[Path]:
    """Inputs written after the oldest output."""
    written = [time for path in outputs if (time := _written(path)) is not None]
    return [path for path in inputs if (_written(path) or 0) > min(written)] if written else []


def _written(path: Path) -> int | None:
    """When a file was last written, in nanoseconds; None when it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def _is_made_from(job: Job, unit: Unit, record: Mapping[str, Any]) -> bool:
    """Whether the inputs hold the same bytes as when the outputs were made, on the device of that time."""
    inputs = job.files("input")
    if not all(path.exists() for path in inputs.values()):
        return False
    digests = {name: content_digest(path) for name, path in inputs.items()}
    return bool(job._replace(device=record["device"]).key(unit, digests) == record["key"])
