"""What an epoch of a training chooses at random, from its name: so nothing of it depends on what came before."""

from dataclasses import dataclass

import numpy as np

from workflow_lib import seeds
from workflow_lib.training.augmentation import Augmentation, Draws, draw


@dataclass(frozen=True)
class Epoch:
    """Choices of one epoch.

    Attributes:
        order: (n,) int64, the sample at each position.
        starts: (batches + 1,) int64, position at which each batch begins, and n; sizes differ by at most one.
        draws: of the augmentation, by position.
    """

    order: np.ndarray
    starts: np.ndarray
    draws: Draws

    @classmethod
    def of(
        cls,
        lineage: tuple[object, ...],
        epoch: int,
        *,
        count: int,
        batches: int,
        augmentation: Augmentation,
        device: str,
    ) -> "Epoch":
        """The choices of epoch `epoch` (from 0) with `count` samples.

        Args:
            lineage: names from which they are derived.
            epoch: its number.
            count: of samples.
            batches: of the epoch.
            augmentation: what is done to the images.
            device: where the draws shall be.
        """
        order = seeds.generator(*lineage, "order", epoch).permutation(count)
        sizes = [len(part) for part in np.array_split(order, batches)]
        draws = draw(augmentation, count, seeds.generator(*lineage, "augmentation", epoch), device)
        return cls(order, np.cumsum([0, *sizes]), draws)
