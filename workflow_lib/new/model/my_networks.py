"""Networks of my own: functions that return a torch.nn.Module. Do not seed here: the config's seeds decide."""

from torch import nn


def two_layers(in_channels, image_size, n_classes, hidden=32):
    """Two linear layers; the first three arguments follow from the dataset, the others from `options`."""
    height, width = image_size
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(in_channels * height * width, hidden),
        nn.ReLU(),
        nn.Linear(hidden, n_classes),
    )
