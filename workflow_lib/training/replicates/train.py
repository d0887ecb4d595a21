"""Training replicates, in either of two forms."""

from collections.abc import Iterator, Mapping

import numpy as np

from workflow_lib.progress import Progress
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.replicates.batched import train_stack
from workflow_lib.training.replicates.form import Form
from workflow_lib.training.replicates.kept import KeptStates
from workflow_lib.training.replicates.loop import train_one
from workflow_lib.training.replicates.runs import Run, Trained

WIDTH = {"cpu": 10, "cuda": 50}
"""Runs of a stack, always: kernels are chosen by the shapes of tensors, and each may round otherwise."""


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
    """Each run by its name when its training has ended; one that diverges does not stop the others.

    What becomes of a run does not depend on which others there are, on a CPU to the byte. The two forms agree but
    for the rounding of sums.

    Args:
        runs: what is trained, by name.
        images: (N, c, y, x), uint8 or float32 in [0, 1]; those of all runs, held once.
        settings: of all runs.
        form: "loop": one by one; "batched": as stacks, for what `chain.chain` knows.
        device: "cpu" or "cuda".
        states: where states of the run under way are kept in case of a kill; used by the loop, since a stack takes
            little time.
        progress: told the batches done and those of all runs.
    """
    if form == "loop":
        for index, (name, run) in enumerate(runs.items()):
            part = _part(progress, index, len(runs))
            yield name, train_one(name, run, images, settings, device=device, states=states, progress=part)
        return
    names = list(runs)
    width = WIDTH[device]
    starts = range(0, len(names), width)
    for index, start in enumerate(starts):
        part = _part(progress, index, len(starts))
        block = names[start : start + width]
        idle = [block[0]] * (width - len(block))
        stack = [runs[name] for name in (*block, *idle)]
        trained = train_stack(stack, images, settings, device=device, progress=part)
        yield from zip(block, trained, strict=False)


def _part(progress: Progress | None, index: int, count: int) -> Progress | None:
    """Progress of part `index` of `count` of equal length."""
    if progress is None:
        return None
    whole = progress
    return lambda done, total: whole(index * total + done, count * total)
