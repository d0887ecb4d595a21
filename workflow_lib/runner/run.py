"""Run one job: restore its outputs from the action cache, or run its step and publish what it made whole.

The runner first checks that the code is the one that Snakemake planned with. A step writes to scratch paths;
its outputs move into place only when it has ended well, so half a file is never mistaken for a whole one.
"""

import contextlib
import errno
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

from workflow_lib.errors import Problem, UserError
from workflow_lib.files import remove_scratch, scratch_folder
from workflow_lib.runner import provenance
from workflow_lib.runner.actions import Action
from workflow_lib.runner.cache import ActionCache, action_key
from workflow_lib.runner.digests import DigestMemory, cache_folder
from workflow_lib.runner.fingerprint import code_fingerprint
from workflow_lib.runner.inputs import sound_digests, sound_hints
from workflow_lib.runner.job import Job, parse
from workflow_lib.runner.signature import step_module
from workflow_lib.runner.units import Unit, join
from workflow_lib.steps.roles import Context

RESULTS = Path("results")
DISK_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG)
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(arguments: Sequence[str]) -> int:
    """Run one job; 0 when its outputs are in place, 1 when it failed (the log says why)."""
    job = parse(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_at_once)
    # Libraries read these when they are first imported, which only the step does.
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(job.threads)))
    with _logged(job.log) as say:
        try:
            run(job)
        except UserError as error:
            say(f"{job.verb}: {error}")
            return 1
        except Exception as error:
            disk = isinstance(error, OSError) and error.errno in DISK_FAILURES
            say(f"{job.verb}: {UserError(_disk_problem(error))}" if disk else traceback.format_exc())
            return 1
    return 0


def _disk_problem(error: Exception) -> Problem:
    return Problem(
        str(getattr(error, "filename", None) or RESULTS),
        os.strerror(getattr(error, "errno", 0)),
        "results cannot be written there; what was done before is whole and stays",
        "make room, or let results/ be a link to a disk that has it and may be written; then run snakemake again",
    )


def _end_at_once(number: int, _frame: object) -> None:
    """End without a trace. An exception raised here can be lost in a callback of the interpreter, and the job hangs."""
    remove_scratch()
    os._exit(128 + number)


def run(job: Job) -> None:
    """Bring the outputs of a job into place, from the cache or by running its step for those that are not there.

    Raises:
        UserError: the code is not that of the plan, an input is missing or damaged, or the step found a mistake in
            what the user gave.
    """
    _check_code(job)
    folder = cache_folder(RESULTS)
    cache, memory = ActionCache(folder), DigestMemory(folder / "digests")
    inputs = sound_digests(job.files("input"), RESULTS, memory, cache)
    keys = {job.key(unit, inputs): unit for unit in job.units}
    missing = {key: unit for key, unit in keys.items() if not _restore(key, unit, cache)}
    if not missing:
        print(f"{job.verb}: restored from the cache, key {', '.join(key[:12] for key in keys)}", file=sys.stderr)
        return
    if len(missing) < len(keys):
        print(f"{job.verb}: {len(keys) - len(missing)} of {len(keys)} outputs were in the cache", file=sys.stderr)
    hints = {
        a.name: sound_hints(job.paths[a.name], RESULTS, memory, cache) for a in job.signature.paths if a.role == "hint"
    }
    _compute(replace(job, paths={**job.paths, **hints}), missing, cache)


def _restore(key: str, unit: Unit, cache: ActionCache) -> bool:
    action = cache.find(key, unit.outputs)
    if action is None:
        return False
    provenance.forget(unit.outputs.values(), RESULTS)
    restored = cache.restore(key, action, unit.outputs)
    if restored:
        _write_records(action, unit)
    return restored


def _check_code(job: Job) -> None:
    if job.code != code_fingerprint(step_module(job.verb)):
        raise UserError(
            Problem(
                f"--code {job.code}",
                "",
                f"the code of {job.verb} has changed since this job was planned",
                "run snakemake again, so that it plans with the code as it is now",
            )
        )


def _compute(job: Job, units: Mapping[str, Unit], cache: ActionCache) -> None:
    """Run the step on scratch paths for these units by key, and publish what it made."""
    name = action_key(units=sorted(units)) if len(units) > 1 else next(iter(units))
    scratch = RESULTS / ".scratch" / name
    started = time.monotonic()
    try:
        with scratch_folder(scratch, "out-") as folder:
            paths = [path for unit in units.values() for path in unit.outputs.values()]
            staged = {path: folder / str(i) / path.name for i, path in enumerate(paths)}
            _call_step(job, list(units.values()), staged, Context(job.device, job.threads, scratch / "state"))
            seconds = time.monotonic() - started
            for key, unit in units.items():
                _publish(unit, staged, cache, key, provenance.record(job, unit.spec, key, seconds))
        shutil.rmtree(scratch, ignore_errors=True)
    except Exception:
        # A kill of Snakemake alone leaves jobs running. One that ends removes the scratch folder of the same job
        # started anew, which then fails, and finds its result here.
        if not all(_restore(key, unit, cache) for key, unit in units.items()):
            raise
    finally:
        with contextlib.suppress(OSError):
            scratch.rmdir()  # stays if the step has kept a state in it


def _publish(unit: Unit, staged: Mapping[Path, Path], cache: ActionCache, key: str, record: Mapping[str, Any]) -> None:
    """Keep the outputs of a unit in the cache, then move them into place."""
    action = cache.store(key, {role: staged[path] for role, path in unit.outputs.items()}, record)
    provenance.forget(unit.outputs.values(), RESULTS)
    for path in unit.outputs.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        staged[path].replace(path)
    _write_records(action, unit)


def _call_step(job: Job, units: Sequence[Unit], staged: Mapping[Path, Path], context: Context) -> None:
    for path in staged.values():
        path.parent.mkdir(parents=True)
    arguments: dict[str, Any] = {"spec": join(json.loads(job.spec), units)}
    for argument in job.signature.paths:
        paths = job.paths[argument.name]
        if argument.role == "output":
            paths = [staged[path] for path in paths if path in staged]
        arguments[argument.name] = paths if argument.many else paths[0] if paths else None
    if job.signature.context:
        arguments["context"] = context
    step = getattr(import_module(step_module(job.verb)), job.verb)
    step(**arguments)


def _write_records(action: Action, unit: Unit) -> None:
    for role, path in unit.outputs.items():
        provenance.write(action.record, action.outputs[role], path, RESULTS)


@contextlib.contextmanager
def _logged(log: Path | None) -> Iterator[Callable[[str], None]]:
    """Send what this process and its children print to a file, if one is given.

    Gives a function for a last message, which reaches the terminal when the file cannot take it: its disk is full.
    """
    terminal = os.fdopen(os.dup(2), "w")
    if log is not None:
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("w") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
        except OSError as error:
            print(f"{log}: {error.strerror}; messages go to the terminal", file=terminal, flush=True)

    def say(text: str) -> None:
        try:
            os.write(2, f"{text}\n".encode())
        except OSError:
            print(text, file=terminal, flush=True)

    yield say
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):
            stream.flush()
