"""Lends the GPUs of a machine to jobs: a lock for each place on each GPU, held while a step computes.

Locks end with the process that holds them, however it ends. A GPU whose memory is taken by others is passed over.
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
"""Variable with the GPUs that jobs may take, by number or UUID: `0,2`; without it all that are visible."""
SHARED = "LATENT_ATLAS_JOBS_PER_GPU"
"""Variable with the number of jobs that share a GPU; 1 without it."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
NONE_VISIBLE = ("", "-1", "NoDevFiles")
SPARE = 0.9
"""Part of its share of a GPU's memory that must be free for a job: drivers and displays always take a little."""
SECONDS = 2.0
"""Between two looks at GPUs that are all taken."""


class Gpu(NamedTuple):
    """One GPU as its driver tells of it.

    Attributes:
        number: its index on this machine, or in this container.
        uuid: its name everywhere.
        total, free: its memory in MiB.
    """

    number: str
    uuid: str
    total: float
    free: float


def hidden() -> bool:
    """Whether this process must not use a GPU: it was told so, or a batch system has given it none."""
    visible = os.environ.get(VISIBLE)
    return visible in NONE_VISIBLE if visible is not None else "SLURM_JOB_ID" in os.environ


def visible_gpus() -> list[Gpu]:
    """GPUs that jobs of this process may take; empty where there is none, or no `nvidia-smi` to tell."""
    import subprocess  # here, because every job imports this module, and most use no GPU

    if hidden() or not shutil.which("nvidia-smi"):
        return []
    asked = ["nvidia-smi", "--query-gpu=index,uuid,memory.total,memory.free", "--format=csv,noheader,nounits"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
    rows = [[field.strip() for field in line.split(",")] for line in told.stdout.splitlines()]
    gpus = [Gpu(row[0], row[1], float(row[2]), float(row[3])) for row in rows if len(row) == 4]
    for variable in (VISIBLE, LISTED):
        if (names := os.environ.get(variable)) is not None:
            gpus = [gpu for gpu in gpus if _is_named(gpu, names.split(","))]
    return gpus


def _is_named(gpu: Gpu, names: Sequence[str]) -> bool:
    """Whether one of these is its number, or the beginning of its UUID, as CUDA reads them."""
    wanted = [name.strip() for name in names]
    return gpu.number in wanted or any(gpu.uuid.startswith(name) for name in wanted if name.startswith("GPU-"))


def jobs_per_gpu() -> int:
    """Number of jobs that share a GPU.

    Raises:
        UserError: the variable does not hold a number.
    """
    text = os.environ.get(SHARED, "1")
    if not text.isdecimal() or int(text) < 1:
        raise UserError(Problem(SHARED, text, "a whole number of jobs, 1 or more", f"set it as in {SHARED}=2"))
    return int(text)


def places() -> int | None:
    """Number of jobs that may compute on GPUs at once, for the scheduler; None where nothing limits it.

    In a job of SLURM, Snakemake first asks for the GPUs that the job was given, then starts its work inside a step.
    """
    in_slurm = "SLURM_JOB_ID" in os.environ
    gpus = len(visible_gpus())
    if in_slurm and "SLURM_STEP_ID" not in os.environ:
        return gpus
    return gpus * jobs_per_gpu() if gpus or in_slurm else None


@contextlib.contextmanager
def lent(device: str) -> Iterator[None]:
    """Let what this process computes with CUDA see one GPU, on which a place is free, until the block ends.

    Waits for a place if need be. Must be entered before anything imports torch. Does nothing for other devices, or
    where it is not known which GPUs there are.

    Args:
        device: "cpu" or "cuda".

    Raises:
        UserError: the number of jobs for each GPU is none.
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
    """Hold a place on the GPU that the fewest jobs share; `number` is that of places on each."""
    waiting = False
    with contextlib.ExitStack() as stack:
        while not (gpu := _take(number, stack)):
            if not waiting:
                print("waiting for a GPU: all are taken", file=sys.stderr)
            waiting = True
            time.sleep(SECONDS)
        yield gpu


def _take(number: int, stack: contextlib.ExitStack) -> Gpu | None:
    """Hold a place on a GPU until the stack closes; None where all are taken. Locks lie on this machine."""
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
