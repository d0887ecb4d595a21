"""Run one job: restore its outputs from the action cache, or run its step and publish what it made whole.

The runner first checks that the code is the one that Snakemake planned with. A step writes to scratch paths;
its outputs move into place only when it has ended well, so half a file is never mistaken for a whole one.
"""

import contextlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from workflow_lib.runner.inputs import sound_digests
from workflow_lib.runner.job import Job, parse
from workflow_lib.runner.signature import step_module
from workflow_lib.runner.units import Unit, join
from workflow_lib.steps.roles import Context

RESULTS = Path("results")
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


def main(arguments: Sequence[str]) -> int:
    """Run one job; 0 when its outputs are in place, 1 when it failed (the log says why)."""
    job = parse(arguments)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end_at_once)
    # Libraries read these when they are first imported, which only the step does.
    os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(job.threads)))
    with _logged(job.log):
        try:
            run(job)
        except UserError as error:
            print(f"{job.verb}: {error}", file=sys.stderr)
            return 1
        except Exception:
            traceback.print_exc()
            return 1
    return 0


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
    cache = ActionCache(folder)
    inputs = sound_digests(job.files("input"), RESULTS, DigestMemory(folder / "digests"), cache)
    keys = {job.key(unit, inputs): unit for unit in job.units}
    missing = {key: unit for key, unit in keys.items() if not _restore(key, unit, cache)}
    if not missing:
        print(f"{job.verb}: restored from the cache, key {', '.join(key[:12] for key in keys)}", file=sys.stderr)
        return
    if len(missing) < len(keys):
        print(f"{job.verb}: {len(keys) - len(missing)} of {len(keys)} outputs were in the cache", file=sys.stderr)
    _compute(job, missing, cache)


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
    """Run the step on scratch paths for these units by key, keep its outputs in the cache, move them into place."""
    name = action_key(units=sorted(units)) if len(units) > 1 else next(iter(units))
    scratch = RESULTS / ".scratch" / name
    started = time.monotonic()
    with scratch_folder(scratch, "out-") as folder:
        staged = {path: folder / str(i) / path.name for i, path in enumerate(_outputs(units.values()))}
        _call_step(job, list(units.values()), staged, Context(job.device, job.threads, scratch / "state"))
        seconds = time.monotonic() - started
        for key, unit in units.items():
            made = {role: staged[path] for role, path in unit.outputs.items()}
            action = cache.store(key, made, provenance.record(job, unit.spec, key, seconds))
            provenance.forget(unit.outputs.values(), RESULTS)
            for path in unit.outputs.values():
                path.parent.mkdir(parents=True, exist_ok=True)
                staged[path].replace(path)
            _write_records(action, unit)
    shutil.rmtree(scratch, ignore_errors=True)


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


def _outputs(units: Iterable[Unit]) -> list[Path]:
    return [path for unit in units for path in unit.outputs.values()]


def _write_records(action: Action, unit: Unit) -> None:
    for role, path in unit.outputs.items():
        provenance.write(action.record, action.outputs[role], path, RESULTS)


@contextlib.contextmanager
def _logged(log: Path | None) -> Iterator[None]:
    """Send what this process and its children print to a file, if one is given."""
    if log is None:
        yield
        return
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        yield
        sys.stdout.flush()
        sys.stderr.flush()
