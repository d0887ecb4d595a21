"""Detect whether the Snakemake process that started a job has ended: if it is killed, its jobs keep running.

A job on the same machine watches the process. A job on another machine, such as a cluster node, checks a file that
belongs to the run: the next Snakemake removes the files of killed runs.

psutil would save a dozen lines, but its import would make a restored job a third slower (18 ms). It identifies a
process by its id and a start time that shifts with the clock, which is less reliable than a handle and clock ticks.
"""

import atexit
import contextlib
import os
import select
from pathlib import Path

PROCESS = "LATENT_ATLAS_SNAKEMAKE"
"""Environment variable that the rules set for their jobs, to the `identity` of this Snakemake."""

RUN = "LATENT_ATLAS_RUN"
"""Environment variable with the file of the run that a job belongs to, on any machine."""

SPACE = Path("/proc/self/ns/pid")
"""PID namespace, in which process ids are unique; a container may have its own. Linux only."""


def identity() -> str:
    """Id and PID namespace of this process, by which jobs can later check that it is alive; "" if unknown."""
    return f"{os.getpid()} {SPACE.readlink()}" if SPACE.is_symlink() else ""


def run_file(results: Path) -> str:
    """File of the run if this process is its Snakemake; "" on systems where its end cannot be detected."""
    return str(results / ".runs" / f"{_here()}-{os.getpid()}-{_started(os.getpid())}") if SPACE.is_symlink() else ""


def begin_run(content: str = "") -> None:
    """Create the file of this run until this process ends, and remove files of ended processes on this machine.

    `content` is what processes on other machines have to know of the run.
    """
    if not (name := os.environ.get(RUN)):
        return
    # Absolute, because Snakemake leaves the working directory of `--directory` before it ends.
    file, process = Path(name).absolute(), os.getpid()
    file.parent.mkdir(parents=True, exist_ok=True)
    for other in file.parent.glob(f"{_here()}-*"):
        number, _, started = other.name.removeprefix(f"{_here()}-").partition("-")
        if number.isdecimal() and _started(int(number)) != started:
            other.unlink(missing_ok=True)
    file.touch()
    atexit.register(lambda: file.unlink(missing_ok=True) if os.getpid() == process else None)
    try:
        file.write_text(content)
    except OSError:  # the disk is full: the first job says so
        os.truncate(file, 0)


def run_content() -> str:
    """What the Snakemake of this run has told by `begin_run`; "" without a run."""
    name = os.environ.get(RUN)
    return Path(name).read_text() if name and _is_there(Path(name)) else ""


class SnakemakeProcess:
    """The process that started this job, if the environment names one visible to this process."""

    def __init__(self) -> None:
        self._handle: int | None = None
        self._gone = False
        self._run = os.environ.get(RUN)
        number, _, space = os.environ.get(PROCESS, "").partition(" ")
        if space and space == identity().partition(" ")[2]:
            try:
                self._handle = os.pidfd_open(int(number))  # unlike an id, a handle is never reused
            except ProcessLookupError:
                self._gone = True

    @property
    def has_ended(self) -> bool:
        """Whether the Snakemake of this job has ended; False if unknown."""
        process = self._handle is not None and bool(select.select([self._handle], [], [], 0)[0])
        return self._gone or process or (bool(self._run) and not _is_there(Path(str(self._run))))


def _here() -> str:
    """Name of the machine and its PID namespace."""
    return f"{os.uname().nodename}-{SPACE.stat().st_ino}"


def is_zombie(process: int) -> bool:
    """Whether a process has ended and only its entry is left, since its parent has not asked; False if unknown."""
    return _status(process)[:1] == ["Z"]


def _started(process: int) -> str:
    """Start time of a process in clock ticks; "" if there is none. Unlike ids, start times are not reused."""
    state, *rest = _status(process) or ["Z"]
    return "" if state == "Z" else rest[18]


def _status(process: int) -> list[str]:
    """State of a process and what Linux says after it; empty if there is none."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return []


def _is_there(file: Path) -> bool:
    """Whether a file exists. It is opened, because network file systems cache whether a name exists."""
    try:
        os.close(os.open(file, os.O_RDONLY))
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
