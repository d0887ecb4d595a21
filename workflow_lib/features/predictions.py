"""Predicted classes of a dataset, from the logits of a network whose outputs may be other classes."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def predicted(
    logits: NDArray[np.float32], outputs: Sequence[str] | None, classes: Sequence[str]
) -> NDArray[np.int64] | None:
    """The class of the highest logit of each sample; classes are matched by name, never by their places.

    Args:
        logits: (n, outputs); of equal logits the first one counts.
        outputs: name of each output, or None if the names are not known.
        classes: names of the classes of the dataset.

    Returns:
        Indices into `classes` (n,); -1 if the predicted class is none of them, which is always wrong. None if no output
        is one of the classes, so that nothing can be said.
    """
    if outputs is None or not set(outputs) & set(classes):
        return None
    places = {name: place for place, name in enumerate(classes)}
    class_of = np.array([places.get(name, -1) for name in outputs], dtype=np.int64)
    found: NDArray[np.int64] = class_of[logits.argmax(axis=1)]
    return found
