"""A SLURM cluster of one node, of ordinary processes: no systemd, no accounting, everything below one folder.

python tests/slurm/cluster.py FOLDER      # starts one and waits; Ctrl-C ends it
"""

import argparse
import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

DAEMONS = ("munged", "slurmctld", "slurmd")
ETC = Path("/etc/slurm")
"""Where SLURM looks without SLURM_CONF, which the plugin takes away from the steps of a job."""
LONGEST = 30.0

CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort=16817
SlurmdPort=16818
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
MpiDefault=none
ReturnToService=2
SwitchType=switch/none
MinJobAge=3600
InactiveLimit=0
KillWait=2
GresTypes=gpu
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


class Cluster:
    """One node that is also the controller.

    Args:
        folder: for its files; made anew.
        cpus: that the node pretends to have: more than are there, so that the profile's entries fit.
        memory: MB that the node pretends to have.
    """

    def __init__(self, folder: Path, cpus: int = 8, memory: int = 64000) -> None:
        self.folder = folder.resolve()
        self._began = time.time()
        for part in ("state", "spool", "log", "munge"):
            (self.folder / part).mkdir(parents=True)
        self.folder.chmod(0o755)
        (self.folder / "munge").chmod(0o700)
        key = self.folder / "munge" / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        settings = CONFIG.format(
            host=host(),
            user=os.environ.get("USER", "root"),
            folder=self.folder,
            cpus=cpus,
            memory=memory,
        )
        (self.folder / "slurm.conf").write_text(settings)
        # A stand-in for a GPU, so that `gpu: 1` can be asked for and given.
        (self.folder / "gres.conf").write_text(f"NodeName={host()} Name=gpu File=/dev/zero\n")

    def __enter__(self) -> "Cluster":
        if (ETC / "slurm.conf").exists():
            raise RuntimeError(f"{ETC}/slurm.conf is there: this machine has a SLURM of its own")
        ETC.mkdir(exist_ok=True)
        for file in self._linked():
            file.unlink(missing_ok=True)
            file.symlink_to(self.folder / file.name)
        try:
            self._start_munge()
            self.run("/usr/sbin/slurmctld")
            self.start_node()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError, TimeoutError):
            self.run("scancel", "--user", os.environ.get("USER", "root"))
            self.wait(lambda: not self.run("squeue", "--noheader"))
        self._end_steps()
        for name in reversed(DAEMONS):
            self._end(name)
        for file in self._linked():
            if file.is_symlink() and file.readlink().is_relative_to(self.folder):
                file.unlink()

    def run(self, *command: str) -> str:
        """Output of a command of SLURM."""
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}\n{self.log()}")
        return done.stdout.strip()

    def start_node(self) -> None:
        """Start the daemon of the node, and wait until the node takes jobs."""
        self.run("/usr/sbin/slurmd")
        with contextlib.suppress(RuntimeError):  # it was not down
            self.run("scontrol", "update", f"nodename={host()}", "state=resume")
        self.wait(lambda: self.state() in ("idle", "mixed", "allocated"))
        # SLURM lets what goes back into the queue wait for two minutes. Some seconds must be left: it still tells the
        # node to end what the failure has ended.
        for entry in self.run("squeue", "--states=pending", "--noheader", "--format=%i").splitlines():
            self.run("scontrol", "update", f"jobid={entry}", "starttime=now+10")

    def lose_node(self) -> None:
        """The node goes as in a power failure: daemon, jobs and all; the controller is told that it is down."""
        self._end("slurmd", signal.SIGKILL)
        self._end_steps()
        self.run("scontrol", "update", f"nodename={host()}", "state=down", "reason=lost")

    def state(self) -> str:
        """Of the node: idle, mixed, down, …"""
        return self.run("sinfo", "--noheader", "--format=%T").strip("*")

    def jobs(self) -> list[str]:
        """All queue entries of the last hour, with their states: `12 COMPLETED 0:05 rule_train`."""
        return self.run("squeue", "--states=all", "--noheader", "--format=%i %T %M %k").splitlines()

    def requeued(self) -> set[str]:
        """Entries that went back into the queue because their node was lost."""
        log = (self.folder / "log" / "slurmctld.log").read_text()
        return set(re.findall(r"requeue job JobId=(\d+) due to failure of node", log))

    def log(self) -> str:
        """What the daemons wrote."""
        return "".join(file.read_text()[-3000:] for file in sorted((self.folder / "log").iterdir()))

    def wait(self, holds: object) -> None:
        """Wait until a condition holds."""
        latest = time.monotonic() + LONGEST
        while not holds():
            if time.monotonic() > latest:
                raise TimeoutError(self.log())
            time.sleep(0.1)

    def _start_munge(self) -> None:
        at = self.folder / "munge"
        self.run(
            "/usr/sbin/munged",
            "--force",
            f"--key-file={at}/key",
            f"--socket={at}/socket",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={at}/log",
            f"--seed-file={at}/seed",
            "--num-threads=2",
        )

    def _end(self, name: str, number: signal.Signals = signal.SIGTERM) -> None:
        """End a daemon by the id that it wrote down."""
        file = self.folder / f"{name}.pid"
        with contextlib.suppress(OSError, ValueError, psutil.NoSuchProcess):
            process = psutil.Process(int(file.read_text()))
            if process.name() == name:
                process.send_signal(number)
                process.wait(LONGEST)
        file.unlink(missing_ok=True)

    def _end_steps(self) -> None:
        """End every job and what watches over it, by their ids; the watchers first, or they tell how the job ended."""
        steps = list(self._steps())
        below = []
        for step in steps:
            with contextlib.suppress(psutil.Error):
                below += step.children(recursive=True)
        for process in (*steps, *below):
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _steps(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter(["name", "create_time"]):
            if process.info["name"] == "slurmstepd" and process.info["create_time"] >= self._began:
                yield process

    def _linked(self) -> list[Path]:
        return [ETC / name for name in ("slurm.conf", "gres.conf")]


def host() -> str:
    """Short name of this machine."""
    return os.uname().nodename.partition(".")[0]


def is_installed() -> bool:
    """Whether the daemons of SLURM are there."""
    return all(shutil.which(name, path="/usr/sbin:/usr/bin:/sbin") for name in DAEMONS)


def main() -> None:
    """Start a cluster, and end it when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    with Cluster(parser.parse_args().folder) as cluster:
        print(cluster.run("sinfo"), flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.signal(signal.SIGTERM, lambda *_: sys.exit())
            signal.pause()


if __name__ == "__main__":
    main()
