"""Train replicates, in either of two forms."""

from collections.abc import Iterator, Mapping

import numpy as np

from workflow_lib.progress import Progress
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.replicates.batched import train_stack
from workflow_lib.training.replicates.form import Form
from workflow_lib.training.replicates.kept import KeptStates
from workflow_lib.training.replicates.loop import train_one
from workflow_lib.training.replicates.runs import Run, Trained

STEP = 10
"""The number of runs in a stack is a multiple of this; idle ones fill it up."""

MOST = {"cpu": 10, "cuda": 50}
"""Most runs in a stack. On a CPU all stacks have equal shapes: these decide which kernels run, and each may round
differently."""


def train_runs(
    runs: Mapping[str, Run],
    images: np.ndarray,
    settings: Settings,
    form: Form,
    *,
    device: str = "cpu",
    states: KeptStates | None = None,
    progress: Progress | None = None,
) -> Iterator[tuple[str, Trained]]:
    """Train runs and yield the name and result of each; a run that diverges does not stop the others.

    Runs in a stack are trained on equally many images, so that their batches are equal.

    The result of a run does not depend on the other runs, on a CPU byte for byte. On a GPU that holds for stacks of
    equal width; the width, like the two forms, decides how sums are rounded.

    Args:
        runs: the runs to train, by name.
        images: (N, c, y, x), uint8 or float32 in [0, 1]; shared by all runs, in memory only once.
        settings: training settings of all runs.
        form: "loop": one by one; "batched": as stacks, only for networks supported by `chain.chain`.
        device: "cpu" or "cuda".
        states: saves the state of the current run, to continue after a kill; used only by the loop, since a stack
            takes little time.
        progress: called with the number of finished batches and of all batches, over all runs.
    """
    if form == "loop":
        for index, (name, run) in enumerate(runs.items()):
            part = _part(progress, index, len(runs))
            yield name, train_one(name, run, images, settings, device=device, states=states, progress=part)
        return
    alike: dict[int, list[str]] = {}
    for name, run in runs.items():
        alike.setdefault(len(run.samples), []).append(name)
    blocks = [names[i : i + MOST[device]] for names in alike.values() for i in range(0, len(names), MOST[device])]
    for index, block in enumerate(blocks):
        part = _part(progress, index, len(blocks))
        idle = [block[0]] * (-len(block) % STEP)
        stack = [runs[name] for name in (*block, *idle)]
        trained = train_stack(stack, images, settings, device=device, progress=part)
        yield from zip(block, trained, strict=False)


def _part(progress: Progress | None, index: int, count: int) -> Progress | None:
    """Progress of part `index` of `count` equal parts."""
    if progress is None:
        return None
    whole = progress
    return lambda done, total: whole(index * total + done, count * total)
