"""Train runs one by one: works for any network, and is fastest if a single network keeps the device busy."""

import sys

import numpy as np

from workflow_lib.progress import Progress
from workflow_lib.training.loop import DivergedError, train
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.replicates.kept import KeptStates
from workflow_lib.training.replicates.runs import Run, Trained


def train_one(
    name: str,
    run: Run,
    images: np.ndarray,
    settings: Settings,
    *,
    device: str = "cpu",
    states: KeptStates | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a run with `workflow_lib.training.loop.train`; if it diverges, training stops and the weights are kept.

    Args:
        name: of the run, for its state.
        run: the run to train.
        images: (N, c, y, x), uint8 or float32 in [0, 1].
        settings: training settings.
        device: "cpu" or "cuda".
        states: saves its state, to continue after a kill.
        progress: called with the number of finished batches and of all batches.
    """
    network, samples = run.build(), run.samples
    try:
        state = train(
            network,
            images if len(samples) == len(images) else images[samples],
            run.labels[samples],
            settings,
            lineage=run.lineage,
            stop_epoch=settings.epochs,
            state=states.load(name) if states else None,
            device=device,
            save_state=(lambda state: states.save(name, state)) if states else None,
            progress=progress,
        )
        curve = state.curve
    except DivergedError as error:
        print(f"{name}: {error.problems[0].allowed}", file=sys.stderr)
        curve = error.curve
    losses = np.full(settings.epochs, np.nan)
    losses[: len(curve)] = [row["train_loss"] for row in curve]
    return Trained(network, losses)
