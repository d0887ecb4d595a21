"""Run jobs: restore their outputs from the action cache, or run their steps and publish the outputs.

The runner first checks that the code is the same as when Snakemake planned. A step writes to scratch paths. Its
outputs are moved into place only after it has succeeded, so a partial file never appears among the results.
"""

import contextlib
import errno
import functools
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workflow_lib.cache.actions import Action
from workflow_lib.cache.digests import DigestMemory, cache_folder, code_memory
from workflow_lib.cache.store import ActionCache, action_key
from workflow_lib.code.fingerprint import code_fingerprint
from workflow_lib.code.signature import step_module
from workflow_lib.errors import Problem, UserError
from workflow_lib.io.files import remove_scratch, scratch_folder
from workflow_lib.runner import gpus, records
from workflow_lib.runner.inputs import ZIPPED, correct_times, require_sound, sound_digests, sound_hints
from workflow_lib.runner.job import Job, joined, parse_all
from workflow_lib.runner.log import logged
from workflow_lib.runner.snakemake_process import SnakemakeProcess, is_zombie
from workflow_lib.runner.units import Unit, join

if TYPE_CHECKING:
    from workflow_lib.runner.reading import Reading

OUT_HERE = f"out-{os.uname().nodename}-"
"""Prefix of the folders in which jobs on this machine write their outputs; the process id follows."""
STATE = "state-"
"""Prefix of the folder with the state of an unfinished job; a digest of all that the job has read follows."""
DAY = 86_400.0
"""Seconds after which a folder of another machine is considered abandoned."""
DISK_FAILURES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG)
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(arguments: Sequence[str]) -> int:
    """Run one job, or several; returns 0 if all outputs are in place, 1 if any failed (see its log).

    Several run one after another, or as one (`joined`). A job whose input could not be made is left out.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_at_once)
    jobs = joined(parse_all(arguments, code_memory()))
    # Libraries read these on import; only the steps import them.
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(jobs[0].threads)))
    failed: set[Path] = set()
    with contextlib.ExitStack() as gpu:
        # Once for all jobs: a process that has used a GPU cannot change it.
        lend = functools.cache(lambda device: gpu.enter_context(gpus.lent(device)))
        for job in jobs:
            if not _run_logged(job, failed, lend):
                failed.update(job.files("output").values())
    return 1 if failed else 0


def _run_logged(job: Job, failed: Collection[Path], lend: Callable[[str], None]) -> bool:
    """Run a job, with all messages in its log, unless one of its inputs is in `failed`; returns whether it is done."""
    with logged(job.log, job.other_logs) as say:
        try:
            if lost := [path for path in job.files("input").values() if path in failed]:
                raise UserError(Problem(str(lost[0]), "", "could not be made", "correct what its log says"))
            run(job, lend)
        except UserError as error:
            say(f"{job.verb}: {error}")
        except MemoryError as error:
            say(f"{job.verb}: {UserError(_memory_problem(job, error))}")
        except Exception as error:
            disk = isinstance(error, OSError) and error.errno in DISK_FAILURES
            say(f"{job.verb}: {UserError(_disk_problem(error))}" if disk else _traceback())
        else:
            return True
    return False


def _traceback() -> str:
    import traceback

    return traceback.format_exc()


def _memory_problem(job: Job, error: MemoryError) -> Problem:
    return Problem(
        ", ".join(map(str, job.files("output").values())),
        str(error),
        "there is not enough free memory to make it",
        "run fewer jobs at once (--cores 1), use fewer samples (subsample), or check that its inputs are right",
    )


def _disk_problem(error: Exception) -> Problem:
    return Problem(
        str(getattr(error, "filename", None) or "results"),
        os.strerror(getattr(error, "errno", 0)),
        "results cannot be written there; earlier results are complete and stay",
        "make room, or make results/ a link to a writable disk with more space; then run snakemake again",
    )


def _end_at_once(number: int, _frame: object) -> None:
    """Remove scratch files and exit. An exception could get lost in an interpreter callback, and the job would hang."""
    remove_scratch()
    os._exit(128 + number)


def run(job: Job, lend: Callable[[str], None] = lambda device: None) -> None:
    """Put the outputs of a job in place: restore them from the cache, and run the step for those not cached.

    Args:
        job: the job.
        lend: called with the device of the job before its step, to wait for a GPU.

    Raises:
        UserError: code or data have changed since planning or while the step ran, an input is missing or damaged, or
            the step found a mistake in the user's settings or data.
    """
    _check_code(job)
    snakemake = SnakemakeProcess()
    folder = cache_folder()
    cache, memory = ActionCache(folder), DigestMemory(folder / "digests")
    correct_times([*job.files("input").values(), *job.files("hint").values()])
    inputs = sound_digests(job.files("input"), job.results, memory, cache)
    keys = {job.key(unit, inputs): unit for unit in job.units}
    scratch = job.results / ".scratch" / (action_key(units=sorted(keys)) if len(keys) > 1 else next(iter(keys)))
    missing = {key: unit for key, unit in keys.items() if not _restore(job, key, unit, scratch, cache, snakemake)}
    if not missing:
        _tidy(scratch)  # an earlier process may have been killed after it had cached everything
        print(f"{job.verb}: restored from the cache, key {', '.join(key[:12] for key in keys)}", file=sys.stderr)
        return
    if len(missing) < len(keys):
        print(f"{job.verb}: {len(keys) - len(missing)} of {len(keys)} outputs were in the cache", file=sys.stderr)
    hints = {
        argument.name: sound_hints(job.paths[argument.name], job, memory, cache)
        for argument in job.signature.paths
        if argument.role == "hint"
    }
    from workflow_lib.runner.reading import Reading  # here so that restored jobs do not pay for it

    job = job._replace(paths={**job.paths, **hints})
    try:
        _compute(job, missing, scratch, cache, snakemake, lend, partial(Reading, job, inputs, memory))
    finally:
        with contextlib.suppress(OSError):
            scratch.rmdir()  # fails, and the folder stays, if the step failed and has saved its state


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
    """Raise UserError if Snakemake was killed: the next run may make the same outputs with other settings."""
    if snakemake.has_ended:
        raise UserError(
            Problem(
                "this job",
                "",
                "the Snakemake that started it has ended; computed outputs are in the cache, none is published",
                "run snakemake again: it restores them from the cache",
            )
        )


def _check_code(job: Job) -> None:
    if job.code != code_fingerprint(step_module(job.verb), code_memory()):
        raise UserError(
            Problem(
                f"--code {job.code}",
                "",
                f"the code of {job.verb} has changed since this job was planned",
                "run snakemake again to plan with the current code",
            )
        )


def _compute(
    job: Job,
    units: Mapping[str, Unit],
    scratch: Path,
    cache: ActionCache,
    snakemake: SnakemakeProcess,
    lend: Callable[[str], None],
    look: "Callable[[], Reading]",
) -> None:
    """Run the step for these units (by key) on scratch paths, store the outputs in the cache, and publish them.

    `look` looks at what the step will read: only after the wait for a GPU, which may take hours.
    """
    # Imported here so that restored jobs do not pay for it.
    from workflow_lib.runner.workplace import bring, workplace

    with scratch_folder(scratch, f"{OUT_HERE}{os.getpid()}-") as folder, workplace(folder) as work:
        staged, written = _staged(units.values(), folder), _staged(units.values(), work)
        lend(job.device)
        reading = look()
        started = time.monotonic()
        state = scratch / f"{STATE}{reading.key[:12]}"
        try:
            _call_step(job, list(units.values()), written, state)
        except Exception:
            _require_unchanged(reading, state)
            require_sound(job.files("input").values(), job.results, cache)
            raise
        _require_unchanged(reading, state)
        bring(written, staged)
        seconds = (time.monotonic() - started) / len(units)  # per unit
        actions = {}
        for key, unit in units.items():
            made = {role: staged[path] for role, path in unit.outputs.items()}
            actions[key] = cache.store(key, made, records.describe(job, unit.spec, seconds))
        _tidy(scratch)
        _end_if_alone(snakemake)
        for key, unit in units.items():
            _publish(unit, staged, actions[key], job.results)


def _require_unchanged(reading: "Reading", state: Path) -> None:
    """Raise UserError if anything was changed while it was read; the state is then of no use to any job."""
    try:
        reading.require_unchanged()
    except UserError:
        shutil.rmtree(state, ignore_errors=True)
        raise


def _tidy(scratch: Path) -> None:
    """Remove the state of a job whose outputs are cached, and the scratch folders of killed jobs with the same key."""
    try:
        folders = [*scratch.iterdir()]
    except FileNotFoundError:  # removed by a job with the same key
        return
    for folder in folders:
        with contextlib.suppress(FileNotFoundError):
            if folder.name.startswith(STATE) or _is_abandoned(folder):
                shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        scratch.rmdir()


def _is_abandoned(folder: Path) -> bool:
    """Whether no process writes to a folder: a writer would recreate a removed folder and publish a partial store."""
    if folder.name.startswith(OUT_HERE):
        return not _lives(int(folder.name.removeprefix(OUT_HERE).partition("-")[0]))
    return time.time() - folder.stat().st_mtime > DAY


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)  # signal 0 only checks that the process exists; it does until its parent asks for its end
    except ProcessLookupError:
        return False
    except PermissionError:  # the process of another user
        pass
    return not is_zombie(process)


def _staged(units: Iterable[Unit], folder: Path) -> dict[Path, Path]:
    """Scratch path of each output, below `folder`."""
    paths = [path for unit in units for path in unit.outputs.values()]
    return {path: folder / str(i) / path.name for i, path in enumerate(paths)}


def _publish(unit: Unit, staged: Mapping[Path, Path], action: Action, results: Path) -> None:
    """Move the outputs of a unit into place, then their records. Jobs that read them need not compute their digests."""
    memory = DigestMemory(cache_folder() / "digests")
    records.begin(unit.outputs.values(), results)
    moved = {path: _move(staged[path], path) for path in unit.outputs.values()}
    for role, path in unit.outputs.items():
        records.write(action.record, action.outputs[role], path, results, staged[path].with_name("record"))
        if path.suffix in ZIPPED:
            memory.remember(path, moved[path], action.outputs[role])


def _move(staged: Path, path: Path) -> os.stat_result:
    """Move a file into place; returns its own status there, even if another job replaces it at once."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with staged.open("rb") as file:
        staged.replace(path)
        return os.fstat(file.fileno())


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
