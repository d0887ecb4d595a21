"""The record of an artifact: a small JSON file with its origin, kept apart so that artifacts stay comparable.

The record of `results/kstar/x.zarr.zip` is `results/provenance/kstar/x.zarr.zip.json`.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workflow_lib.runner.job import Job

FOLDER = "provenance"
UNFINISHED = "unfinished\n"
"""In place of the record of an artifact while it is published."""
COMPARED = {"spec": dict, "code": str, "inputs": dict, "key": str, "device": str, "versions": dict}
"""Keys that a record needs to be compared with a plan, with their types."""


def record_path(artifact: Path, results: Path) -> Path:
    """Path of the record of an artifact."""
    try:
        inside = str(artifact.relative_to(results))
    except ValueError:
        inside = artifact.name
    return results / FOLDER / f"{inside}.json"


def describe(job: "Job", spec: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """Record of outputs with settings `spec`, just computed by a job in `seconds`; the cache adds their key."""
    # Imported here so that restored jobs do not pay for it.
    import datetime
    import platform

    import workflow_lib
    from workflow_lib.cache.digests import code_memory
    from workflow_lib.code.fingerprint import module_digests
    from workflow_lib.code.signature import step_module

    return {
        "verb": job.verb,
        "spec": dict(spec),
        "code": job.code,
        "inputs": {name: str(path) for name, path in job.files("input").items()},
        "latent_atlas": workflow_lib.__version__,
        "git": _git_commit(Path(workflow_lib.__file__).parent.parent),
        "modules": module_digests(step_module(job.verb), code_memory()),
        "versions": versions(job.verb),
        "device": job.device,
        "threads": job.threads,
        "host": platform.node(),
        "time": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
    }


def versions(verb: str) -> dict[str, str]:
    """Versions of Python and of the libraries that the code of a step uses."""
    import platform

    from workflow_lib.cache.digests import code_memory
    from workflow_lib.code.fingerprint import library_versions
    from workflow_lib.code.signature import step_module

    return {"python": platform.python_version()} | library_versions(step_module(verb), code_memory())


def write(record: Mapping[str, Any], digest: str, artifact: Path, results: Path, scratch: Path) -> None:
    """Write the record of an artifact, with the digest of its bytes.

    It is written to `scratch` and then renamed, so that a kill never leaves a partial record.
    """
    place = record_path(artifact, results)
    place.parent.mkdir(parents=True, exist_ok=True)
    scratch.write_text(json.dumps({**record, "digest": digest}, indent=1, sort_keys=True) + "\n")
    scratch.replace(place)


def begin(artifacts: Iterable[Path], results: Path) -> None:
    """Replace the records of artifacts that are about to change by a mark, which stays if the job is killed now."""
    for artifact in artifacts:
        place = record_path(artifact, results)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(UNFINISHED)


def is_unfinished(artifact: Path, results: Path) -> bool:
    """Whether a job was killed while it published this artifact; a record or none at all says that it was not."""
    place = record_path(artifact, results)
    try:
        return place.stat().st_size == len(UNFINISHED) and place.read_text() == UNFINISHED
    except OSError:
        return False


def digest_of(artifact: Path, results: Path) -> str | None:
    """SHA-256 of an artifact when it was made; None without a record."""
    digest = (_read(artifact, results) or {}).get("digest")
    return digest if isinstance(digest, str) else None


def comparable(artifacts: Iterable[Path], results: Path) -> dict[str, Any] | None:
    """The record shared by these artifacts; None if there is none that can be compared with a plan."""
    for artifact in artifacts:
        record = _read(artifact, results)
        if record and all(isinstance(record.get(part), kind) for part, kind in COMPARED.items()):
            return record
    return None


def has_same_maker(artifact: Path, job: "Job") -> bool:
    """Whether an artifact was made by the code, libraries, functions and kind of device that a job uses."""
    record = comparable([artifact], job.results)
    if record is None or record["spec"].get("outside") != json.loads(job.spec).get("outside"):
        return False
    wanted = {"verb": job.verb, "code": job.code, "device": job.device, "versions": versions(job.verb)}
    return all(record.get(part) == value for part, value in wanted.items())


def _read(artifact: Path, results: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(record_path(artifact, results).read_bytes())
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def _git_commit(root: Path) -> str:
    """Commit of the project, with "+changes" if files were modified; "" outside a repository."""
    import subprocess

    command = ["git", "-C", str(root), "describe", "--always", "--abbrev=40", "--dirty=+changes", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip()
