"""Images of a split as they are shown to a network: transformed or attacked, batch by batch."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from workflow_lib.datasets.artifact import StoredSplit
from workflow_lib.features import transforms
from workflow_lib.features.attacks import ATTACKS, Changed


class ShownImages:
    """Images of a split, changed by a transform.

    Attributes:
        values: values of each sample that an attack gives, by name; filled while the batches are read.
    """

    def __init__(
        self,
        split: StoredSplit,
        transform: Mapping[str, Any] | None,
        *,
        network: nn.Module,
        outputs: int,
        device: str = "cpu",
    ) -> None:
        """Prepare to read.

        Args:
            split: the images before the transform.
            transform: its keys in the config; None changes nothing.
            network: the network that is shown the images; an attack uses it.
            outputs: number of its logits.
            device: "cpu" or "cuda".
        """
        self._split, self._transform, self._network, self._device = split, transform, network, device
        self._has_labels = outputs == len(split.class_names)
        self._kept: dict[int, NDArray[np.float32]] = {}
        self.values: dict[str, NDArray[Any]] = {}

    def batch(self, start: int, stop: int) -> Changed:
        """Images start … stop - 1."""
        images, ids = self._split.images(start, stop), [str(name) for name in self._split.ids[start:stop]]
        if self._transform is None or self._transform["kind"] not in ATTACKS:
            return Changed(transforms.apply(images, ids, self._transform), {})
        labels = self._split.labels[start:stop] if self._has_labels else None
        return ATTACKS[self._transform["kind"]](images, ids, labels, self._transform, self._network, self._device)

    def batches(self, size: int, probes: Collection[int]) -> Iterator[NDArray[np.float32]]:
        """All images, at most `size` at once; those of the rows `probes` can then be had alone."""
        for start in range(0, len(self._split), size):
            changed = self.batch(start, start + size)
            for name, values in changed.values.items():
                whole = self.values.setdefault(name, np.empty(len(self._split), dtype=values.dtype))
                whole[start : start + size] = values
            if changed.values:
                inside = range(start, start + len(changed.images))
                self._kept |= {row: changed.images[[row - start]] for row in probes if row in inside}
            yield changed.images

    def alone(self, row: int) -> NDArray[np.float32]:
        """One image (1, c, y, x), made anew; of an attack that of its batch, since rounding can change the attack."""
        return self._kept[row] if row in self._kept else self.batch(row, row + 1).images
