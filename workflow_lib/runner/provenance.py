"""Where an artifact came from: a small record beside the results, outside of anything compared."""

import datetime
import json
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import workflow_lib
from workflow_lib.files import atomic
from workflow_lib.runner.fingerprint import library_versions, module_digests
from workflow_lib.runner.job import Job
from workflow_lib.runner.signature import step_module


def record(job: Job, key: str, seconds: float) -> dict[str, Any]:
    """The record of a job that has just been computed."""
    return {
        "verb": job.verb,
        "spec": json.loads(job.spec),
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


def write(record: Mapping[str, Any], artifact: Path, results: Path) -> None:
    """Write the record of `artifact` to `results/provenance/…/<artifact>.json`."""
    inside = artifact.relative_to(results) if artifact.is_relative_to(results) else Path(artifact.name)
    with atomic(results / "provenance" / f"{inside}.json") as scratch:
        scratch.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


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
