"""Random choices of an epoch, derived from its name, so they do not depend on earlier epochs."""

from dataclasses import dataclass

import numpy as np

from workflow_lib import seeds
from workflow_lib.training.augmentation import Augmentation, Draws, draw


@dataclass(frozen=True)
class Epoch:
    """Choices of one epoch.

    Attributes:
        order: (n,) int64, the sample at each position.
        starts: (batches + 1,) int64, position at which each batch starts, and n; sizes differ by at most one.
        draws: random choices of the augmentation, by position.
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
        """The choices of an epoch.

        Args:
            lineage: names from which the choices are derived.
            epoch: number of the epoch, from 0.
            count: number of samples.
            batches: number of batches.
            augmentation: how images are changed.
            device: device of `draws`.
        """
        order = seeds.generator(*lineage, "order", epoch).permutation(count)
        sizes = count // batches + (np.arange(batches) < count % batches)
        draws = draw(augmentation, count, seeds.generator(*lineage, "augmentation", epoch), device)
        return cls(order, np.concatenate([[0], np.cumsum(sizes)]), draws)
