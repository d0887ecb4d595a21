"""Images of a split as they are shown to a network: transformed or attacked, batch by batch."""

from collections.abc import Collection, Iterator, Mapping, Sequence
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
        outputs: Sequence[str] | None,
        device: str = "cpu",
    ) -> None:
        """Prepare to read.

        Args:
            split: the images before the transform.
            transform: its keys in the config; None changes nothing.
            network: the network that is shown the images; an attack uses it.
            outputs: names of the classes of its logits, or None if they are not known.
            device: "cpu" or "cuda".
        """
        self._split, self._transform, self._network, self._device = split, transform, network, device
        self._targets = _targets(split, outputs)
        self._kept: dict[int, NDArray[np.float32]] = {}
        self.values: dict[str, NDArray[Any]] = {}

    def batch(self, start: int, stop: int) -> Changed:
        """Images start … stop - 1."""
        images, ids = self._split.images(start, stop), [str(name) for name in self._split.ids[start:stop]]
        if self._transform is None or self._transform["kind"] not in ATTACKS:
            return Changed(transforms.apply(images, ids, self._transform, self._device), {})
        targets = None if self._targets is None else self._targets[start:stop]
        return ATTACKS[self._transform["kind"]](images, ids, targets, self._transform, self._network, self._device)

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


def _targets(split: StoredSplit, outputs: Sequence[str] | None) -> NDArray[np.int64] | None:
    """The output of each sample's class, matched by name; None if a class of the split is no output."""
    if outputs is None or not set(split.class_names) <= set(outputs):
        return None
    places = np.array([list(outputs).index(name) for name in split.class_names], dtype=np.int64)
    return places[split.labels]
