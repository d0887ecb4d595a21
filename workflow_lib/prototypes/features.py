"""Features of a set of prototypes at a layer, by passing its images through the network again."""

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from workflow_lib.progress import Progress
from workflow_lib.prototypes.batches import default_batch
from workflow_lib.prototypes.frozen import Frozen


class Images(Protocol):
    """Images that are read one target at a time: an array, or one that reads from a file."""

    def __len__(self) -> int:
        """Number of targets n."""

    def __getitem__(self, target: int, /) -> Any:
        """The images of a target (n, c, y, x) float32 as an array-like, by origin."""


def layer_features(
    network: Frozen, images: Images, *, device: str = "cpu", progress: Progress | None = None
) -> npt.NDArray[np.float32]:
    """Features (n, n, d) float32 of the images (n, n, c, y, x) in [0, 1], both by target and origin.

    Only the images of one target are in memory, and all features.

    Args:
        network: from `frozen`, with the layer, on the device.
        images: of the set.
        device: "cpu" or "cuda".
        progress: called with the number of targets done and in all.
    """
    classes, batch = len(images), default_batch(network, device)
    features = np.empty((classes, classes, network.width), np.float32)
    with torch.inference_mode():
        for target in range(classes):
            for begin in range(0, classes, batch):
                part = slice(begin, begin + batch)
                shown = torch.from_numpy(np.array(images[target][part])).to(device)
                _, found = network(shown.contiguous(memory_format=network.memory_format))
                features[target, part] = found.cpu().numpy()
            if progress is not None:
                progress(target + 1, classes)
    return features
