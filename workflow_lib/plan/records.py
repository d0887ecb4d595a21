"""What the records beside the results say, compared with code and inputs as they are now."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_lib.plan.jobs import PlannedJob
from workflow_lib.runner.digests import DigestMemory, content_digest
from workflow_lib.runner.fingerprint import library_versions, module_digests
from workflow_lib.runner.job import Job
from workflow_lib.runner.signature import signature, step_module

PARTS = {"spec": dict, "code": str, "inputs": dict, "key": str, "device": str, "versions": dict}
"""What a record must hold to be compared, by type."""


def record_path(artifact: str) -> Path:
    """Where the record of `results/…` lies."""
    return Path("results", "provenance", artifact.removeprefix("results/") + ".json")


def record_of(job: PlannedJob) -> dict[str, Any] | None:
    """The record of a job's outputs, which all have the same; None when there is none that can be read."""
    for artifact in job.makes:
        try:
            record = json.loads(record_path(artifact).read_bytes())
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


def changed_inputs(job: PlannedJob, spec: str, record: Mapping[str, Any]) -> list[str]:
    """What differs in the inputs of a job whose settings and code are the same; nothing while their bytes are.

    Args:
        job: the job, its outputs possibly not there.
        spec: its settings.
        record: from `record_of`.
    """
    run = _runnable(job, spec, record)
    now = {name: str(path) for name, path in run.files("input").items()}
    replaced = _changes(record["inputs"], now)
    newer = _newer(list(now.values()), job.makes)
    if not (replaced or newer) or _is_made_from(run, record["key"]):
        return []
    lines = [f"input: {old or '(none)'} -> {new or '(none)'}" for old, new in replaced.values()]
    return lines or [f"input: {path} has changed" for path in newer]


def _changes(before: Mapping[str, str], now: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Values before and now of each name whose value differs; "" where there is none."""
    names = sorted(before.keys() | now.keys())
    return {n: (before.get(n, ""), now.get(n, "")) for n in names if before.get(n) != now.get(n)}


def _change(old: str, new: str) -> str:
    return "has changed" if old and new else "is used now" if new else "is no longer used"


def _newer(inputs: list[str], outputs: list[str]) -> list[str]:
    """Inputs written after the oldest output."""
    written = [path.stat().st_mtime_ns for path in map(Path, outputs) if path.exists()]
    there = [path for path in inputs if Path(path).exists()]
    return [path for path in there if Path(path).stat().st_mtime_ns > min(written, default=0)] if written else []


def _runnable(job: PlannedJob, spec: str, record: Mapping[str, Any]) -> Job:
    """The job as the runner would get it, on the device that the record names."""
    paths = {name: [Path(path) for path in paths] for name, paths in {**job.inputs, **job.outputs}.items()}
    return Job(job.verb, signature(job.verb), paths, spec, record["code"], record["device"], threads=1, log=None)


def _is_made_from(run: Job, key: str) -> bool:
    """Whether the inputs hold the same bytes as when the outputs were made with this key."""
    there = all(path.exists() for path in run.files("input").values())
    return there and run.key(_Unremembered(Path())) == key


class _Unremembered(DigestMemory):
    """Digests that leave nothing behind."""

    def digest(self, path: Path) -> str:
        return content_digest(path)
