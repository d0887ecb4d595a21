"""The class that a network predicts and how sure it is, from its logits."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Predicted(NamedTuple):
    """What a network says of n samples.

    Attributes:
        classes: (n,) int64, the predicted class of each, by its place among those of the dataset; -1 for any other.
        confidence: (n,) float64 in [0, 1], probability of the predicted class.
        probabilities: (n, C) float64, that of each class of the dataset; NaN for one without an output.
    """

    classes: NDArray[np.int64]
    confidence: NDArray[np.float64]
    probabilities: NDArray[np.float64]


def predicted(
    logits: NDArray[np.float32], outputs: Sequence[str | None] | None, classes: Sequence[str], rule: str = "argmax"
) -> Predicted | None:
    """The class that a network predicts for each sample, the first one of equals, and the probabilities of all classes.

    With "argmax" the class of the highest logit is predicted. With "mean_probability" it is the class with the highest
    mean of the softmax probabilities of its outputs (Geirhos et al. 2018). An output of no class is never predicted: it
    counts for neither rule. The probability of a class is the sum of the softmax probabilities of its outputs, among
    all outputs of a class.

    Args:
        logits: (n, outputs).
        outputs: the class of each output, None for an output of no class; several outputs may have the same class.
            None if the names are not known.
        classes: names of the data set's classes. A predicted class that is not among them becomes -1.
        rule: argmax | mean_probability.

    Returns:
        None if no output is known to be one of the classes, so that nothing can be said.
    """
    names = [name for name in dict.fromkeys(outputs or ()) if name is not None]
    if not set(names) & set(classes):
        return None
    members = [[index for index, name in enumerate(outputs or ()) if name == own] for own in names]
    values = logits.astype(np.float64)
    values[:, [name is None for name in outputs or ()]] = -np.inf
    odds = np.exp(values - values.max(axis=1, keepdims=True))
    sums = np.stack([odds[:, own].sum(1) for own in members], axis=1)  # (n, names)
    if rule == "mean_probability":
        scores = sums / [len(own) for own in members]
    else:
        scores = np.stack([values[:, own].max(1) for own in members], axis=1)
    best = scores.argmax(1)
    shares = sums / sums.sum(axis=1, keepdims=True)
    index = np.array([classes.index(name) if name in classes else -1 for name in names], dtype=np.int64)
    probabilities = np.full((len(logits), len(classes)), np.nan)
    probabilities[:, index[index >= 0]] = shares[:, index >= 0]
    return Predicted(index[best], np.take_along_axis(shares, best[:, None], 1)[:, 0], probabilities)
