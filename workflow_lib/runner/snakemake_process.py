"""The Snakemake that started a job. When it is killed alone, its jobs live on."""

import os
import select
from pathlib import Path

PROCESS = "LATENT_ATLAS_SNAKEMAKE"
"""Variable in which the rules tell jobs who starts them, as `identity` has it."""

SPACE = Path("/proc/self/ns/pid")
"""Names the space in which ids of processes count: a container may have one to itself. Linux alone has it."""


def identity() -> str:
    """What jobs must know of the process that calls this, to see later whether it lives; "" where that is not known."""
    return f"{os.getpid()} {SPACE.readlink()}" if SPACE.is_symlink() else ""


class SnakemakeProcess:
    """The process that started this job, if the environment names one that can be seen from here."""

    def __init__(self) -> None:
        self._handle: int | None = None
        self._gone = False
        number, _, space = os.environ.get(PROCESS, "").partition(" ")
        if space and space == identity().partition(" ")[2]:
            try:
                self._handle = os.pidfd_open(int(number))  # unlike the id, it never comes to mean another process
            except ProcessLookupError:
                self._gone = True

    @property
    def has_ended(self) -> bool:
        """Whether nobody waits for this job any longer; False when that is not known."""
        return self._gone or (self._handle is not None and bool(select.select([self._handle], [], [], 0)[0]))
