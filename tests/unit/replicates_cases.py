"""A small network for the tests of replicates."""

from workflow_lib.models.registry import build


def small_cnn(seed, channels=3, side=8, classes=3, width=4, hidden=8, normalize=None):
    return build(
        "small_cnn",
        in_channels=channels,
        image_size=(side, side),
        n_classes=classes,
        seed=seed,
        options={"width": width, "hidden": hidden},
        normalize=normalize,
    )
