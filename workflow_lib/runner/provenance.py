"""Where an artifact came from: a small record beside the results, outside of anything compared."""

import datetime
import json
import platform
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import workflow_lib
from workflow_lib.runner.fingerprint import library_versions, module_digests
from workflow_lib.runner.job import Job
from workflow_lib.runner.signature import step_module


def record(job: Job, spec: Mapping[str, Any], key: str, seconds: float) -> dict[str, Any]:
    """The record of outputs that a job has just computed, shaped by `spec` and kept under `key`."""
    return {
        "verb": job.verb,
        "spec": dict(spec),
        "code": job.code,
        "key": key,
        "inputs": {name: str(path) for name, path in job.files("input").items()},
        "latent_atlas": workflow_lib.__version__,
        "git": _git_commit(),
        "modules": module_digests(step_module(job.verb)),
        "versions": {"python": platform.python_version()} | library_versions(step_module(job.verb)),
        "device": job.device,
        "threads": job.threads,
        "host": platform.node(),
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }


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


def _git_commit() -> str:
    """Commit of the project, with "+changes" when files differ from it; "" outside a repository."""
    root = Path(workflow_lib.__file__).parent.parent
    try:
        answer = subprocess.run(
            [
                "git",
                "-C",
                str(root),
                "describe",
                "--always",
                "--abbrev=40",
                "--dirty=+changes",
                "--exclude=*",
            ],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
