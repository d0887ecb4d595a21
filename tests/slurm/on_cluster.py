"""Snakemake under way on the cluster."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from cluster import Cluster
from project import Project

LONGEST = 480.0
"""Seconds after which something that is waited for will not come, on a machine that has much else to do."""
PROFILE = ("--workflow-profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "1")


def small_project(folder: Path) -> Project:
    """The miniature with one seed and two intervals, so that all of it ends within the time that tests may take."""
    folder.mkdir()
    project = Project(folder)

    def change(config: dict) -> None:
        config["models"]["digits_cnn"] |= {"seeds": [0], "intervals": [50, 100]}

    project.edit_config(change)
    return project


class OnCluster:
    """Snakemake with the profile of SLURM, in a session of its own.

    Args:
        project: where.
        cluster: that takes the jobs.
        options: for Snakemake.
    """

    def __init__(self, project: Project, cluster: Cluster, *options: str) -> None:
        self.project, self.cluster = project, cluster
        self.began = time.monotonic()
        self.known = set(cluster.jobs())
        self.log = project.folder / f"snakemake-{time.monotonic_ns()}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "snakemake", *PROFILE, *options],
                cwd=project.folder,
                env=project.variables,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def wait_for(self, what: Callable[[], object]) -> None:
        """Wait until something is true while Snakemake is under way."""
        while not what():
            if self.process.poll() is not None or time.monotonic() > self.began + LONGEST:
                self.close()
                raise AssertionError(self.log.read_text())
            time.sleep(0.1)

    def running(self, group: str) -> list[str]:
        """Ids of queue entries of a group that are running and were not there before."""
        entries = [line.split() for line in set(self.cluster.jobs()) - self.known]
        return [entry[0] for entry in entries if entry[1] == "RUNNING" and group in entry[-1]]

    def kill(self) -> None:
        """End Snakemake alone, at once; what it has submitted lives on."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        """Wait for its end; gives its exit status."""
        try:
            code = self.process.wait(LONGEST)
        finally:
            self.close()
        self.seconds = time.monotonic() - self.began
        return code

    def close(self) -> None:
        """Leave nothing under way after a failure."""
        if self.process.poll() is None:
            self.kill()
