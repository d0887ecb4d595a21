"""Store of one run of a confusion study: confusion matrix on the test data, and training loss."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from workflow_lib.io import storage
from workflow_lib.names import Mistraining

ABOUT = {
    "counts": "test samples of class `true` predicted as `predicted`, with correct labels (docs/science.md 3.2)",
    "loss": "mean loss of the epoch over the training samples as labelled for this run, while the network was "
    "changing; NaN from the epoch on in which it was no longer finite",
    "diverged": "the loss was not finite; counts are then those of the network as it was left",
}
SHARE: dict[Mistraining, str] = {
    "swap": "floor(share * n) of the n training samples of each class of the pair carry the other's label",
    "one_way": "floor(share * n) of the n training samples of the first class of the pair carry the second's label",
    "drop": "floor(share * n) of the n training samples of each class of the pair are left out",
    "random": "floor(share * n) of the n training samples of each class of the pair carry any label but their own",
}
"""What is done to a pair, by mode."""


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        pair: name of the two classes that were mistrained, or "baseline".
        seed: number of the run among those of its pair.
        mode: how they were mistrained, a key of SHARE.
        share: mistrained share of a class, in [0, 1]; 0 for the baseline.
        classes: names of the two classes; empty for the baseline.
    """

    pair: str
    seed: int
    mode: Mistraining
    share: float
    classes: Sequence[str] = ()


def write(
    path: Path,
    run: Run,
    class_names: Sequence[str],
    counts: NDArray[np.int64],
    losses: NDArray[np.float64],
    diverged: bool,
) -> None:
    """Write the store of a run.

    Args:
        path: the store, `….zarr.zip`.
        run: the run that it describes.
        class_names: of the n classes.
        counts: (n, n) by true and predicted class.
        losses: (epochs,) mean training loss, NaN from the epoch on in which it diverged.
        diverged: whether it diverged.
    """
    names = np.array([str(name) for name in class_names])
    dataset = xr.Dataset(
        {
            "counts": (("true", "predicted"), counts, {"long_name": ABOUT["counts"], "units": "1"}),
            "loss": ("epoch", losses, {"long_name": ABOUT["loss"], "units": "nat"}),
            "diverged": ((), diverged, {"long_name": ABOUT["diverged"]}),
        },
        {"true": names, "predicted": names, "epoch": np.arange(1, len(losses) + 1)},
        {
            "title": "Confusion matrix of one training",
            "pair": run.pair,
            "seed": run.seed,
            "share": run.share,
            "classes": list(run.classes),
            "share_definition": SHARE[run.mode],
        },
    )
    storage.save(dataset, path)


def is_whole(path: Path) -> bool:
    """Whether there is a store that can be read completely; False for one damaged by a kill or a disk."""
    try:
        storage.load(path).load()
    except (OSError, ValueError, KeyError):
        return False
    return True
