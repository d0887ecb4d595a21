"""What may happen around a kill: an edit, a second Snakemake, a training or a set of prototypes that goes on."""

import random
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import own_project
from edits import put, replace, several
from killing import LONGEST, Running, send_to_jobs, wait_for_end
from outcome import Outcome
from project import Project
from unfinished import compare, resume, unfinished, unlock

from workflow_lib.io.checkpoints import load
from workflow_lib.prototypes.matrix import State

CHECKPOINT = "results/checkpoints/digits_cnn/seed-0/interval-100.pt"
STUDY = "results/studies/kstar/training"
PROTOTYPES = "sure/loaded/seed-0/interval-100/initialisation-0"


@dataclass(frozen=True)
class Scene:
    """One story with one right end."""

    name: str
    play: Callable[[Project, Path], Outcome]

    def run(self, finished: Project, folder: Path) -> Outcome:
        return self.play(finished, folder)


def cases() -> list[Scene]:
    return [
        Scene("snakemake alone is killed, the config edited, and its job ends after the next run", _edit_beside_orphan),
        Scene("the folder is unlocked and Snakemake run while another one runs", _two_at_once),
        Scene("a training is killed that has saved its state", _training_goes_on),
        Scene("a set of prototypes is killed of which some have converged", _prototypes_go_on),
    ]


def _edit_beside_orphan(finished: Project, folder: Path) -> Outcome:
    """The slow job of the old settings must not overwrite what the new ones have made."""
    edit, targets = put("kstar.threshold", 0.05), [f"{STUDY}/classes.csv", f"{STUDY}/trends.csv"]
    undisturbed = finished.copy(folder / "undisturbed", cores=1)
    edit(undisturbed)
    assert undisturbed.snakemake(*targets).code == 0
    project = finished.copy(folder / "project", cores=1)
    (project.folder / targets[0]).unlink()
    (project.folder / "results" / ".cache").rename(folder / "cache")
    running = Running(project, targets, cores=1)
    running.wait_for_job("tabulate_kstar", 0.1)
    send_to_jobs(project, signal.SIGSTOP)
    running.kill()
    edit(project)
    unlock(project)
    assert project.snakemake(*targets).code == 0
    send_to_jobs(project, signal.SIGCONT)
    wait_for_end(project)
    told = "a job of the old settings ended last"
    return compare(project, undisturbed.results(), project.snakemake(*targets), told)


def _two_at_once(finished: Project, folder: Path) -> Outcome:
    """Both may stumble over files that the other removes; the next run is right in any case."""
    work = unfinished(finished, folder / "project", "extract_features", random.Random("two at once"))
    first = Running(work.project, work.targets, work.cores)
    first.wait_for_job("extract_features", 0.5)
    second = resume(work)
    code = first.process.wait(timeout=LONGEST)
    told = f"the first ended with {code}, the second with {second.code}"
    return compare(work.project, finished.results(), resume(work), told)


def _training_goes_on(finished: Project, folder: Path) -> Outcome:
    """From the state that was saved last, not anew; with the bytes of a training that was not disturbed."""
    model = "models.digits_cnn"
    longer = several(
        put(f"{model}.training.epochs", 60),
        put(f"{model}.intervals", [100]),
        replace("workflow_lib/training/loop.py", "save_every: float = 30.0", "save_every: float = 0.05"),
    )
    project, undisturbed = _disturbed(finished, folder, longer, CHECKPOINT, "train_interval", _state)
    saved = load(_state(project))
    unlock(project)
    resumed = project.snakemake(CHECKPOINT)
    log = project.log("train_interval/digits_cnn/seed-0/interval-100")
    place = re.search(r"goes on after epoch (\d+), batch (\d+)", log)
    right = place and (int(place[1]), int(place[2])) == (saved["epoch"], saved["step"])
    told = f"killed after epoch {saved['epoch']} of 60, batch {saved['step']}"
    return compare(project, undisturbed.results(), resumed, told, [] if right else [f"it did not go on there: {log}"])


def _prototypes_go_on(finished: Project, folder: Path) -> Outcome:
    """With what had converged, not anew; with the bytes of a set that was not disturbed."""
    target, study = f"results/prototypes/{PROTOTYPES}.zarr.zip", "prototypes.studies.sure"
    slower = several(
        *(put(f"{study}.{key}", value) for key, value in {"lr": 0.05, "loss": 0.05, "steps": 1500}.items()),
        replace("workflow_lib/prototypes/matrix.py", "save_every: float = 30.0", "save_every: float = 0.05"),
    )
    base = own_project.made_beside(finished)
    project, undisturbed = _disturbed(base, folder, slower, target, "make_prototypes", _images_done)
    done = _images_done(project)
    unlock(project)
    resumed = project.snakemake(target)
    log = project.log(f"make_prototypes/{PROTOTYPES}")
    wrong = [] if f"goes on, {done} of 16 images are done" in log else [f"it did not go on with {done} images: {log}"]
    return compare(project, undisturbed.results(), resumed, f"killed with {done} of 16 images done", wrong)


def _disturbed(
    base: Project,
    folder: Path,
    edit: Callable[[Project], object],
    target: str,
    verb: str,
    ready: Callable[[Project], object],
) -> tuple[Project, Project]:
    """Two edited copies: in one the job of a verb was killed as soon as its state was ready, one was not disturbed."""
    undisturbed = base.copy(folder / "undisturbed", cores=1)
    edit(undisturbed)
    assert undisturbed.snakemake(target).code == 0
    project = base.copy(folder / "project", cores=1)
    edit(project)
    running = Running(project, [target], cores=1)
    running.wait_for_job(verb, 0)
    while not ready(project):
        assert running.process.poll() is None, running.output
        time.sleep(0.001)
    running.kill(group=True)
    return project, undisturbed


def _state(project: Project) -> Path | None:
    """The state that a training has saved."""
    return next((project.folder / "results" / ".scratch").glob("*/state-*/training.pt"), None)


def _images_done(project: Project) -> int:
    """How many images the state says that a job has saved; 0 without one."""
    file = next((project.folder / "results" / ".scratch").glob("*/state-*/state.pt"), None)
    return State(**{key: value for key, value in load(file).items() if key != "runtime"}).finished if file else 0
