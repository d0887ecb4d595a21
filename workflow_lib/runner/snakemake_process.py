"""The Snakemake that started a job. When it is killed alone, its jobs live on.

A job on the same machine watches the process. A job elsewhere, such as on a node of a cluster, looks for the file by
which its run is known: the next Snakemake removes the files of runs that were killed.

psutil would replace a dozen of these lines, and its import would make a restored job a third slower (18 ms). It knows a
process by its id and a time of start that moves with the clock, which is less sure than a handle and the ticks.
"""

import atexit
import contextlib
import os
import select
from pathlib import Path

PROCESS = "LATENT_ATLAS_SNAKEMAKE"
"""Variable in which the rules tell jobs who starts them, as `identity` has it."""

RUN = "LATENT_ATLAS_RUN"
"""Variable with the file of the run that jobs belong to, wherever they are started."""

SPACE = Path("/proc/self/ns/pid")
"""Names the space in which ids of processes count: a container may have one to itself. Linux alone has it."""


def identity() -> str:
    """What jobs must know of the process that calls this, to see later whether it lives; "" where that is not known."""
    return f"{os.getpid()} {SPACE.readlink()}" if SPACE.is_symlink() else ""


def run_file(results: Path) -> str:
    """The file of a run whose Snakemake is the process that calls this; "" where its end could not be seen."""
    return str(results / ".runs" / f"{_here()}-{os.getpid()}-{_started(os.getpid())}") if SPACE.is_symlink() else ""


def begin_run() -> None:
    """Make the file of this run, for as long as the process lives, and remove those that processes here have left."""
    if not (name := os.environ.get(RUN)):
        return
    # Snakemake leaves the working directory of `--directory` before it ends.
    file, process = Path(name).absolute(), os.getpid()
    file.parent.mkdir(parents=True, exist_ok=True)
    for other in file.parent.glob(f"{_here()}-*"):
        number, _, started = other.name.removeprefix(f"{_here()}-").partition("-")
        if number.isdecimal() and _started(int(number)) != started:
            other.unlink(missing_ok=True)
    file.touch()
    atexit.register(lambda: file.unlink(missing_ok=True) if os.getpid() == process else None)


class SnakemakeProcess:
    """The process that started this job, if the environment names one that can be seen from here."""

    def __init__(self) -> None:
        self._handle: int | None = None
        self._gone = False
        self._run = os.environ.get(RUN)
        number, _, space = os.environ.get(PROCESS, "").partition(" ")
        if space and space == identity().partition(" ")[2]:
            try:
                self._handle = os.pidfd_open(int(number))  # unlike the id, it never comes to mean another process
            except ProcessLookupError:
                self._gone = True

    @property
    def has_ended(self) -> bool:
        """Whether nobody waits for this job any longer; False when that is not known."""
        process = self._handle is not None and bool(select.select([self._handle], [], [], 0)[0])
        return self._gone or process or (bool(self._run) and not _is_there(Path(str(self._run))))


def _here() -> str:
    """Name of the machine, and of the space of processes that can be seen from here."""
    return f"{os.uname().nodename}-{SPACE.stat().st_ino}"


def _started(process: int) -> str:
    """When a process began, in ticks of the system's clock; "" when there is none. Ids are used again, this is not."""
    with contextlib.suppress(OSError):
        state, *rest = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return "" if state == "Z" else rest[18]
    return ""


def _is_there(file: Path) -> bool:
    """Whether a file exists. It is opened, because network file systems remember what they last told about a name."""
    try:
        os.close(os.open(file, os.O_RDONLY))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
