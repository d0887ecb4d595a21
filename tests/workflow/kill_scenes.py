"""What may happen around a kill: an edit, a second Snakemake, a training or a set of prototypes that goes on."""

import os
import random
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import own_project
from killing import LONGEST, Running, send_to_jobs, wait_for_end
from outcome import Case, Outcome
from project import Project
from unfinished import compare, resume, unfinished, unlock

from workflow_lib.prototypes.matrix import State
from workflow_lib.training.checkpoints import load

CHECKPOINT = "results/checkpoints/digits_cnn/seed-0/interval-100.pt"
STUDY = "results/studies/kstar/training"
PROTOTYPES = "sure/loaded/seed-0/interval-100/initialisation-0"


@dataclass(frozen=True)
class Scene:
    """One story with one right end; `play` gets the finished miniature and an empty folder."""

    name: str
    play: Callable[[str, Project, Path], Outcome]

    def run(self, finished: Project, folder: Path) -> Outcome:
        """Play it."""
        return self.play(self.name, finished, folder)


def cases() -> list[Case]:
    """All scenes."""
    return [
        Scene(
            "snakemake alone is killed, the config edited, and its job ends after the next run", edit_beside_an_orphan
        ),
        Scene("the folder is unlocked and Snakemake run while another one runs", two_at_once),
        Scene("a training is killed that has saved its state", training_goes_on),
        Scene("a set of prototypes is killed of which some have converged", prototypes_go_on),
    ]


def edit_beside_an_orphan(name: str, finished: Project, folder: Path) -> Outcome:
    """The slow job of the old settings must not overwrite what the new ones have made."""

    def edit(project: Project) -> None:
        project.edit_config(lambda config: config["kstar"].update(threshold=0.05))

    targets = [f"{STUDY}/classes.csv", f"{STUDY}/trends.csv"]
    undisturbed = finished.copy(folder / "undisturbed", cores=1)
    edit(undisturbed)
    assert undisturbed.snakemake(*targets).code == 0
    project = finished.copy(folder / "project", cores=1)
    (project.folder / targets[0]).unlink()
    (project.folder / "results" / ".cache").rename(folder / "cache")
    running = Running(project, targets, cores=1)
    running.wait_for_job("tabulate_kstar", 0.1)
    send_to_jobs(project, signal.SIGSTOP)
    running.process.kill()
    running.process.wait()
    edit(project)
    unlock(project)
    assert project.snakemake(*targets).code == 0
    send_to_jobs(project, signal.SIGCONT)
    wait_for_end(project)
    resumed = project.snakemake(*targets)
    return compare(name, project, undisturbed.results(), resumed, "a job of the old settings ended last", [])


def two_at_once(name: str, finished: Project, folder: Path) -> Outcome:
    """Both may stumble over files that the other removes; the next run is right in any case."""
    work = unfinished(finished, folder / "project", "extract_features", random.Random(name))
    first = Running(work.project, work.targets, work.cores)
    first.wait_for_job("extract_features", 0.5)
    second = resume(work)
    code = first.process.wait(timeout=LONGEST)
    told = f"the first ended with {code}, the second with {second.code}"
    return compare(name, work.project, finished.results(), resume(work), told, [])


def training_goes_on(name: str, finished: Project, folder: Path) -> Outcome:
    """From the state that was saved last, not anew; with the bytes of a training that was not disturbed."""

    def longer(project: Project) -> None:
        project.edit_config(lambda config: config["models"]["digits_cnn"]["training"].update(epochs=60))
        project.edit_config(lambda config: config["models"]["digits_cnn"].update(intervals=[100]))
        project.edit("workflow_lib/training/loop.py", "save_every: float = 30.0", "save_every: float = 0.05")

    undisturbed = finished.copy(folder / "undisturbed", cores=1)
    longer(undisturbed)
    assert undisturbed.snakemake(CHECKPOINT).code == 0
    project = finished.copy(folder / "project", cores=1)
    longer(project)
    running = Running(project, [CHECKPOINT], cores=1)
    running.wait_for_job("train_interval", 0)
    scratch = project.folder / "results" / ".scratch"
    while not (states := list(scratch.glob("*/state/training.pt"))):
        assert running.process.poll() is None, running.output
        time.sleep(0.001)
    os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()
    saved = load(states[0])
    unlock(project)
    resumed = project.snakemake(CHECKPOINT)
    log = project.log("train_interval/digits_cnn/seed-0/interval-100")
    place = re.search(r"goes on after epoch (\d+), batch (\d+)", log)
    right = place and (int(place[1]), int(place[2])) == (saved["epoch"], saved["step"])
    wrong = [] if right else [f"it did not go on after epoch {saved['epoch']}, batch {saved['step']}: {log}"]
    told = f"killed after epoch {saved['epoch']} of 60, batch {saved['step']}"
    return compare(name, project, undisturbed.results(), resumed, told, wrong)


def prototypes_go_on(name: str, finished: Project, folder: Path) -> Outcome:
    """With what had converged, not anew; with the bytes of a set that was not disturbed."""
    target = f"results/prototypes/{PROTOTYPES}.zarr.zip"

    def slower(project: Project) -> None:
        study = {"lr": 0.05, "loss": 0.05, "steps": 1500}
        project.edit_config(lambda config: config["prototypes"]["studies"]["sure"].update(study))
        project.edit("workflow_lib/prototypes/matrix.py", "save_every: float = 30.0", "save_every: float = 0.05")

    base = own_project.made_beside(finished)
    undisturbed = base.copy(folder / "undisturbed", cores=1)
    slower(undisturbed)
    assert undisturbed.snakemake(target).code == 0
    project = base.copy(folder / "project", cores=1)
    slower(project)
    running = Running(project, [target], cores=1)
    running.wait_for_job("make_prototypes", 0)
    done = 0
    while done == 0:
        assert running.process.poll() is None, running.output
        done = _images_done(project)
    os.killpg(running.process.pid, signal.SIGKILL)
    running.process.wait()
    done = _images_done(project)
    unlock(project)
    resumed = project.snakemake(target)
    log = project.log(f"make_prototypes/{PROTOTYPES}")
    wrong = [] if f"goes on, {done} of 16 images are done" in log else [f"it did not go on with {done} images: {log}"]
    return compare(name, project, undisturbed.results(), resumed, f"killed with {done} of 16 images done", wrong)


def _images_done(project: Project) -> int:
    """How many images the state says that a job has saved; 0 without one."""
    states = list((project.folder / "results" / ".scratch").glob("*/state/state.pt"))
    return State(**{key: value for key, value in load(states[0]).items() if key != "runtime"}).finished if states else 0
