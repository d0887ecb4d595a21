"""Assign the GPUs of a machine to jobs: each GPU has one or more places, and a job locks one while it computes.

A lock is released when its process ends, however it ends. A GPU whose memory is in use by others is skipped.
"""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from workflow_lib.errors import Problem, UserError

LISTED = "LATENT_ATLAS_GPUS"
"""Environment variable with the GPUs that jobs may use, by number or UUID, e.g. `0,2`; default: all visible ones."""
SHARED = "LATENT_ATLAS_JOBS_PER_GPU"
"""Environment variable with the number of jobs that share a GPU; default: 1."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
NONE_VISIBLE = ("", "-1", "NoDevFiles")
SPARE = 0.9
"""Fraction of a job's share of GPU memory that must be free; drivers and displays always take a little."""
SECONDS = 2.0
"""Wait between two attempts to get a GPU."""


class Gpu(NamedTuple):
    """One GPU, as reported by its driver.

    Attributes:
        number: its index on this machine, or in this container.
        uuid: its globally unique name.
        total, free: its memory in MiB.
    """

    number: str
    uuid: str
    total: float
    free: float


def hidden() -> bool:
    """Whether this process must not use a GPU: the user disabled it, or SLURM assigned none."""
    visible = os.environ.get(VISIBLE)
    return visible in NONE_VISIBLE if visible is not None else "SLURM_JOB_ID" in os.environ


def visible_gpus() -> list[Gpu]:
    """GPUs that jobs of this process may use; empty without a GPU or without `nvidia-smi`.

    Raises:
        UserError: none of the GPUs that the user lists is here. Without a place, jobs would compute on any of them.
    """
    import subprocess  # here, because every job imports this module, and most use no GPU

    if hidden() or not shutil.which("nvidia-smi"):
        return []
    query = ["nvidia-smi", "--query-gpu=index,uuid,memory.total,memory.free", "--format=csv,noheader,nounits"]
    answer = subprocess.run(query, capture_output=True, text=True, check=False, timeout=60)
    rows = [[field.strip() for field in line.split(",")] for line in answer.stdout.splitlines()]
    gpus = [Gpu(row[0], row[1], float(row[2]), float(row[3])) for row in rows if len(row) == 4]
    if (visible := os.environ.get(VISIBLE)) is not None:
        gpus = [gpu for gpu in gpus if _is_named(gpu, visible.split(","))]
    if not gpus or (names := os.environ.get(LISTED)) is None:
        return gpus
    if not (chosen := [gpu for gpu in gpus if _is_named(gpu, names.split(","))]):
        here = ", ".join(f"{gpu.number} ({gpu.uuid})" for gpu in gpus)
        raise UserError(Problem(LISTED, names, f"the GPUs here are {here}", f"list some of them, or {VISIBLE}=-1"))
    return chosen


def _is_named(gpu: Gpu, names: Sequence[str]) -> bool:
    """Whether a name is the GPU's number or a prefix of its UUID, as in CUDA."""
    wanted = [name.strip() for name in names]
    return gpu.number in wanted or any(gpu.uuid.startswith(name) for name in wanted if name.startswith("GPU-"))


def jobs_per_gpu() -> int:
    """Number of jobs that share a GPU.

    Raises:
        UserError: the variable is not a whole number of 1 or more.
    """
    text = os.environ.get(SHARED, "1")
    if not text.isdecimal() or int(text) < 1:
        raise UserError(Problem(SHARED, text, "a whole number of jobs, 1 or more", f"set it as in {SHARED}=2"))
    return int(text)


def places() -> int | None:
    """Number of jobs that may use GPUs at the same time, for the scheduler; None for no limit.

    Inside a SLURM job, Snakemake first requests the GPUs of the job, then starts its work in a job step. Before that
    step the number of GPUs is returned, without sharing.
    """
    in_slurm = "SLURM_JOB_ID" in os.environ
    gpus = len(visible_gpus())
    if in_slurm and "SLURM_STEP_ID" not in os.environ:
        return gpus
    return gpus * jobs_per_gpu() if gpus or in_slurm else None


@contextlib.contextmanager
def lent(device: str) -> Iterator[None]:
    """Reserve a place on one GPU and hide the other GPUs from CUDA in this process; the place is free after the block.

    Waits until a place is free. Enter the block before anything imports torch. Does nothing for other devices, or if
    the GPUs cannot be listed.

    Args:
        device: "cpu" or "cuda".

    Raises:
        UserError: the number of jobs per GPU is not a whole number of 1 or more, or no listed GPU is here.
    """
    if device != "cuda" or not visible_gpus():
        yield
        return
    with _place(jobs_per_gpu()) as gpu:
        print(f"computing on GPU {gpu.number} ({gpu.uuid})", file=sys.stderr)
        os.environ[VISIBLE] = gpu.uuid
        yield


@contextlib.contextmanager
def _place(number: int) -> Iterator[Gpu]:
    """Hold a place on the GPU shared by the fewest jobs; each GPU has `number` places."""
    waiting = False
    with contextlib.ExitStack() as stack:
        while not (gpu := _take(number, stack)):
            if not waiting:
                print("waiting for a GPU: all are taken", file=sys.stderr)
            waiting = True
            time.sleep(SECONDS)
        yield gpu


def _take(number: int, stack: contextlib.ExitStack) -> Gpu | None:
    """Hold a place on a GPU until the stack closes; None if all are taken. The lock files are local to the machine."""
    import tempfile

    from filelock import FileLock, Timeout

    folder = Path(tempfile.gettempdir(), f"latent-atlas-gpus-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    roomy = [gpu for gpu in visible_gpus() if gpu.free >= SPARE * gpu.total / number]
    for place in range(number):
        for gpu in roomy:
            with contextlib.suppress(Timeout):
                stack.enter_context(FileLock(folder / f"{gpu.uuid}.{place}").acquire(blocking=False))
                return gpu
    return None
