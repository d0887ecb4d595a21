"""Confusion matrix of a network on a test set."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workflow_lib.training.images import as_unit, memory_format

BATCH_VALUES = 2**22
"""Values per batch of images, over all channels: 16 MiB as float32."""

MOST_IN_BATCH = 512


def confusion_matrix(
    network: nn.Module, images: np.ndarray, labels: NDArray[np.int64], classes: int, *, device: str = "cpu"
) -> NDArray[np.int64]:
    """Counts by true and predicted class, with the network in eval mode; for equal logits the first class wins.

    Args:
        network: maps images in [0, 1] to logits (b, classes); its mode is restored afterwards.
        images: (N, c, y, x), uint8 or float32 in [0, 1].
        labels: (N,) true classes.
        classes: number of classes.
        device: "cpu" or "cuda".

    Returns:
        (classes, classes) int64 [true, predicted].
    """
    size = max(1, min(MOST_IN_BATCH, BATCH_VALUES // int(np.prod(images.shape[1:]))))
    layout = memory_format(network, images.shape)
    was_training = network.training
    network.to(device).eval()
    with torch.inference_mode():
        predicted = [
            network(as_unit(torch.from_numpy(images[start : start + size]).to(device)).contiguous(memory_format=layout))
            .argmax(1)
            .cpu()
            for start in range(0, len(images), size)
        ]
    network.train(was_training)
    cells = labels * classes + torch.cat(predicted).numpy()
    return np.bincount(cells, minlength=classes**2).reshape(classes, classes)
