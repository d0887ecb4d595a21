"""Input and result of the training of replicates."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn


@dataclass(frozen=True, eq=False)
class Run:
    """One training; all replicates share images and settings.

    Attributes:
        build: makes the network with its initial weights, on the CPU; called when its training begins.
        labels: (N,) int64, labels of the training images; negative for images that the run leaves out.
        lineage: names from which the order of samples, augmentation and torch's random state are derived.
    """

    build: Callable[[], nn.Module]
    labels: NDArray[np.int64]
    lineage: tuple[object, ...]

    @property
    def samples(self) -> NDArray[np.int64]:
        """Numbers of the images that the run is trained on, ascending."""
        return np.flatnonzero(self.labels >= 0)


@dataclass(frozen=True, eq=False)
class Trained:
    """A finished run.

    Attributes:
        network: in its final state, on the device.
        losses: (epochs,) float64, mean training loss of each epoch, measured while the weights change; NaN from the
            first epoch in which it was not finite.
    """

    network: nn.Module
    losses: NDArray[np.float64]

    @property
    def diverged(self) -> bool:
        """Whether the loss became non-finite."""
        return bool(np.isnan(self.losses).any())
