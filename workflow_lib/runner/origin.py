"""What the record of an artifact says of the computation that made it."""

import datetime
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import workflow_lib
from workflow_lib.code.fingerprint import library_versions, module_digests
from workflow_lib.code.signature import step_module
from workflow_lib.runner.job import Job


def record(job: Job, spec: Mapping[str, Any], key: str, seconds: float) -> dict[str, Any]:
    """The record of outputs that a job has just computed in so many seconds, shaped by `spec` and kept under `key`."""
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
