"""What goes into the training of an replicates, and what comes out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import nn

from workflow_lib.training.loop import State


@dataclass(frozen=True, eq=False)
class Run:
    """One training of an replicates; its images and settings are those of all.

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


class States(Protocol):
    """Where states of runs under way are kept in case of a kill."""

    def save(self, name: str, state: State) -> None:
        """Keep the state of a run."""

    def load(self, name: str) -> State | None:
        """The state that was kept last, if any."""
