"""Snakemake under way: its jobs, a moment in the life of one of them, and the signals that end them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import psutil
from project import Project

LONGEST = 180.0
"""Seconds after which something that is waited for will not come."""

HOOK = '''\
"""Stops one job just before a chosen step of its publication, for a test that kills it there."""

import os
import signal
import sys

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
NO_PUBLICATION = (".scratch", "logs", "benchmarks", ".cache/digests")
left = int(os.environ.get("STOP_AT", 0)) if os.environ.get("STOP_VERB") in sys.orig_argv else 0


def changed(event, arguments):
    """The path that an operation is about to change, if it is one that counts."""
    if event == "open" and arguments[2] & WRITES and not isinstance(arguments[0], int):
        return os.fsdecode(arguments[0])
    if event in ("os.mkdir", "os.remove"):
        return os.fsdecode(arguments[0])
    return os.fsdecode(arguments[1]) if event == "os.rename" else None


def watch(event, arguments):
    global left
    if left > 0 and (path := changed(event, arguments)):
        inside = os.path.relpath(path, "results")
        if not inside.startswith(("..", *NO_PUBLICATION)):
            left -= 1
            if left == 0:
                try:
                    os.unlink(os.environ["STOP_ONCE"])
                except FileNotFoundError:
                    return
                os.kill(os.getpid(), signal.SIGSTOP)


if left:
    sys.addaudithook(watch)
'''
"""Python imports it at its start, as `sitecustomize`, and tells it each change to the disk before it happens."""


def hear_interrupts() -> None:
    """What a shell starts in the background is deaf to SIGINT, and so is all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class MissedError(Exception):
    """What was to be killed had already ended."""


class Running:
    """Snakemake under way in a session of its own, as if in a terminal of its own.

    The first job of the verb in `stop` stops before the step of its publication with that number.
    """

    def __init__(self, project: Project, targets: list[str], cores: int, stop: tuple[str, int] | None = None) -> None:
        self.project = project
        self._before = {job.pid for job in jobs(project)}
        environment = dict(project.variables)
        if stop:
            once = project.folder / "stop-once"
            once.touch()
            (project.folder / "sitecustomize.py").write_text(HOOK)
            environment |= {"STOP_VERB": stop[0].replace("_", "-"), "STOP_AT": str(stop[1]), "STOP_ONCE": str(once)}
        # Not a pipe: orphans would keep it open.
        with (project.folder / "snakemake.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", "--cores", str(cores), *targets],
                cwd=project.folder,
                env=environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=hear_interrupts,
            )

    def kill(self, group: bool = False) -> None:
        """End Snakemake at once, with its jobs or alone."""
        if group:
            os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait(timeout=LONGEST)

    @property
    def output(self) -> str:
        return (self.project.folder / "snakemake.log").read_text()

    def wait_for_job(self, verb: str, seconds: float) -> psutil.Process:
        """A job of a verb, or of any for "", so many seconds after it began; MissedError if it ended before."""
        found = self._wait_for(lambda: self._jobs(verb))
        time.sleep(max(0.0, found.create_time() + seconds - time.time()))
        if not is_alive(found):
            self.miss()
        return found

    def wait_for_stop(self) -> psutil.Process:
        """The job that has stopped itself; MissedError if none did."""
        return self._wait_for(lambda: [job for job in self._jobs() if _status(job) == psutil.STATUS_STOPPED])

    def _jobs(self, verb: str = "") -> list[psutil.Process]:
        """Its own, without orphans of an earlier one."""
        return [job for job in jobs(self.project, verb) if job.pid not in self._before]

    def miss(self) -> NoReturn:
        """Tell that there was nothing to kill; ends everything, so that the folder can be removed."""
        with suppress(ProcessLookupError):
            self.kill(group=True)
        send_to_jobs(self.project, signal.SIGKILL)
        wait_for_end(self.project)
        raise MissedError

    def _wait_for(self, look: Callable[[], list[psutil.Process]]) -> psutil.Process:
        latest = time.monotonic() + LONGEST
        while time.monotonic() < latest:
            if found := look():
                return found[0]
            if self.process.poll() is not None:
                self.miss()
            time.sleep(0.01)
        raise TimeoutError(self.output)


def jobs(project: Project, verb: str = "") -> list[psutil.Process]:
    """Processes that run steps in a project, of one verb or of all."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.cwd() == str(project.folder):
                line = process.cmdline()
                if "workflow_lib" in line and (not verb or verb.replace("_", "-") in line):
                    found.append(process)
    return found


def shell_of(job: psutil.Process) -> psutil.Process | None:
    """The shell that Snakemake started the job with, where it has not become the job itself."""
    parent = job.parent()
    return parent if parent and parent.name() in ("bash", "sh") else None


def send_to_jobs(project: Project, number: signal.Signals) -> None:
    """Send a signal to every job of a project: SIGSTOP makes them wait, SIGCONT lets them go on."""
    for job in jobs(project):
        with suppress(psutil.Error):
            job.send_signal(number)


def wait_for_end(project: Project) -> None:
    """Wait until no job of a project is alive."""
    latest = time.monotonic() + LONGEST
    while jobs(project):
        if time.monotonic() > latest:
            raise TimeoutError(f"jobs do not end: {jobs(project)}")
        time.sleep(0.05)


def is_alive(process: psutil.Process) -> bool:
    return _status(process) not in ("", psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def _status(process: psutil.Process) -> str:
    try:
        return str(process.status())
    except psutil.Error:
        return ""


def locks(project: Project) -> list[Path]:
    """Locks of Snakemake that are there."""
    return sorted((project.folder / ".snakemake" / "locks").glob("*"))
