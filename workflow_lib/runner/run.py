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
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from workflow_lib.cache.actions import Action
from workflow_lib.cache.digests import DigestMemory, cache_folder, code_memory
from workflow_lib.cache.store import ActionCache, action_key
from workflow_lib.code.fingerprint import code_fingerprint
from workflow_lib.code.signature import step_module
from workflow_lib.errors import Problem, UserError
from workflow_lib.io.files import remove_scratch, scratch_folder
from workflow_lib.runner import gpus, records
from workflow_lib.runner.inputs import sound_digests, sound_hints
from workflow_lib.runner.job import Job, parse
from workflow_lib.runner.log import logged
from workflow_lib.runner.snakemake_process import SnakemakeProcess
from workflow_lib.runner.units import Unit, join

OUT_HERE = f"out-{os.uname().nodename}-"
"""Begin of the names of the folders in which jobs on this machine make outputs; the process id follows."""
DAY = 86_400.0
"""Seconds after which a folder on another machine is taken to be abandoned."""
DISK_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG)
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(arguments: Sequence[str]) -> int:
    """Run one job; 0 when its outputs are in place, 1 when it failed (the log says why)."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_at_once)
    job = parse(arguments, code_memory())
    # Libraries read these when they are first imported, which only the step does.
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(job.threads)))
    with logged(job.log) as say:
        try:
            run(job)
        except UserError as error:
            say(f"{job.verb}: {error}")
            return 1
        except MemoryError as error:
            say(f"{job.verb}: {UserError(_memory_problem(job, error))}")
            return 1
        except Exception as error:
            disk = isinstance(error, OSError) and error.errno in DISK_FAILURES
            say(f"{job.verb}: {UserError(_disk_problem(error))}" if disk else _traceback())
            return 1
    return 0


def _traceback() -> str:
    import traceback

    return traceback.format_exc()


def _memory_problem(job: Job, error: MemoryError) -> Problem:
    return Problem(
        ", ".join(map(str, job.files("output").values())),
        str(error),
        "making it takes more memory than is free",
        "run fewer jobs at once (--cores 1), take fewer samples (subsample), or look whether an input is what it says",
    )


def _disk_problem(error: Exception) -> Problem:
    return Problem(
        str(getattr(error, "filename", None) or "results"),
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
    snakemake = SnakemakeProcess()
    folder = cache_folder()
    cache, memory = ActionCache(folder), DigestMemory(folder / "digests")
    inputs = sound_digests(job.files("input"), job.results, memory, cache)
    keys = {job.key(unit, inputs): unit for unit in job.units}
    scratch = job.results / ".scratch" / (action_key(units=sorted(keys)) if len(keys) > 1 else next(iter(keys)))
    missing = {key: unit for key, unit in keys.items() if not _restore(job, key, unit, scratch, cache, snakemake)}
    if not missing:
        _tidy(scratch)  # a kill may have come after everything was kept
        print(f"{job.verb}: restored from the cache, key {', '.join(key[:12] for key in keys)}", file=sys.stderr)
        return
    if len(missing) < len(keys):
        print(f"{job.verb}: {len(keys) - len(missing)} of {len(keys)} outputs were in the cache", file=sys.stderr)
    hints = {
        argument.name: sound_hints(job.paths[argument.name], job.results, memory, cache)
        for argument in job.signature.paths
        if argument.role == "hint"
    }
    try:
        _compute(job._replace(paths={**job.paths, **hints}), missing, scratch, cache, snakemake)
    finally:
        with contextlib.suppress(OSError):
            scratch.rmdir()  # stays if the step failed and has kept a state


def _restore(job: Job, key: str, unit: Unit, scratch: Path, cache: ActionCache, snakemake: SnakemakeProcess) -> bool:
    action = cache.find(key, unit.outputs)
    if action is None:
        return False
    _end_if_alone(snakemake)
    with scratch_folder(scratch, f"{OUT_HERE}{os.getpid()}-") as folder:
        staged = _staged([unit], folder)
        if not cache.restore(key, action, {role: staged[path] for role, path in unit.outputs.items()}):
            return False
        _publish(unit, staged, action, job.results)
    return True


def _end_if_alone(snakemake: SnakemakeProcess) -> None:
    """Publish nothing for a Snakemake that was killed: the next one may make the same outputs with other settings."""
    if snakemake.has_ended:
        raise UserError(
            Problem(
                "this job",
                "",
                "the Snakemake that started it has ended; what was computed is kept in the cache, nothing is published",
                "run snakemake again, which takes it from there",
            )
        )


def _check_code(job: Job) -> None:
    if job.code != code_fingerprint(step_module(job.verb), code_memory()):
        raise UserError(
            Problem(
                f"--code {job.code}",
                "",
                f"the code of {job.verb} has changed since this job was planned",
                "run snakemake again, so that it plans with the code as it is now",
            )
        )


def _compute(
    job: Job, units: Mapping[str, Unit], scratch: Path, cache: ActionCache, snakemake: SnakemakeProcess
) -> None:
    """Run the step on scratch paths for these units by key, keep what it made in the cache, and publish it."""
    # Here, because a job that is restored does not pay for them.
    from workflow_lib.runner.workplace import bring, workplace

    with scratch_folder(scratch, f"{OUT_HERE}{os.getpid()}-") as folder, workplace(folder) as work:
        staged, written = _staged(units.values(), folder), _staged(units.values(), work)
        with gpus.lent(job.device):
            started = time.monotonic()
            _call_step(job, list(units.values()), written, scratch / "state")
        bring(written, staged)
        seconds = (time.monotonic() - started) / len(units)  # of each
        actions = {}
        for key, unit in units.items():
            made = {role: staged[path] for role, path in unit.outputs.items()}
            actions[key] = cache.store(key, made, records.describe(job, unit.spec, key, seconds))
        _tidy(scratch)
        _end_if_alone(snakemake)
        for key, unit in units.items():
            _publish(unit, staged, actions[key], job.results)


def _tidy(scratch: Path) -> None:
    """Once its outputs are kept: remove the state of a job, and what its like has left that were killed."""
    try:
        folders = [*scratch.iterdir()]
    except FileNotFoundError:  # a job of the same key has removed it
        return
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            if folder.name == "state" or _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        scratch.rmdir()


def _is_abandoned(folder: Path) -> bool:
    """Whether nobody writes there: a writer whose folder goes would make it anew, and publish half a store."""
    if folder.name.startswith(OUT_HERE):
        return not _lives(int(folder.name.removeprefix(OUT_HERE).partition("-")[0]))
    return time.time() - folder.stat().st_mtime > DAY


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # asks only
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True


def _staged(units: Iterable[Unit], folder: Path) -> dict[Path, Path]:
    """Where each output is made before it is moved into place."""
    paths = [path for unit in units for path in unit.outputs.values()]
    return {path: folder / str(i) / path.name for i, path in enumerate(paths)}


def _publish(unit: Unit, staged: Mapping[Path, Path], action: Action, results: Path) -> None:
    """Move the outputs of a unit into place, then their records."""
    records.forget(unit.outputs.values(), results)
    for path in unit.outputs.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        staged[path].replace(path)
    for role, path in unit.outputs.items():
        records.write(action.record, action.outputs[role], path, results, staged[path].with_name("record"))


def _call_step(job: Job, units: Sequence[Unit], staged: Mapping[Path, Path], state: Path) -> None:
    for path in staged.values():
        path.parent.mkdir(parents=True)
    arguments: dict[str, Any] = {"spec": join(json.loads(job.spec), units)}
    for argument in job.signature.paths:
        paths = job.paths[argument.name]
        if argument.role == "output":
            paths = [staged[path] for path in paths if path in staged]
        arguments[argument.name] = paths if argument.many else paths[0] if paths else None
    if job.signature.context:
        from workflow_lib.steps.roles import Context

        arguments["context"] = Context(job.device, job.threads, state)
    step = getattr(import_module(step_module(job.verb)), job.verb)
    step(**arguments)
