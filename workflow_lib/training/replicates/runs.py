"""What goes into the training of replicates, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import nn


@dataclass(frozen=True, eq=False)
class Run:
    """One training; its images and settings are those of all replicates.

    Attributes:
        build: makes the network with its initial weights, on the CPU; called when its turn has come.
        labels: (N,) int64 of the training images.
        lineage: names from which order of samples, augmentation and the random state of torch are derived.
    """

    build: Callable[[], nn.Module]
    labels: NDArray[np.int64]
    lineage: tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Trained:
    """A run whose training has ended.

    Attributes:
        network: as it was left, on the device.
        losses: (epochs,) float64, mean training loss while the network was changing, NaN from the epoch on in which
            it was no longer finite.
    """

    network: nn.Module
    losses: NDArray[np.float64]

    @property
    def diverged(self) -> bool:
        """Whether the loss was not finite at some time."""
        return bool(np.isnan(self.losses).any())
