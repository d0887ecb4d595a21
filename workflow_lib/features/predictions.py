"""The class that a network predicts, from its logits."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def predicted(
    logits: NDArray[np.float32], outputs: Sequence[str | None] | None, classes: Sequence[str], rule: str = "argmax"
) -> NDArray[np.int64] | None:
    """Predicted classes (n,) as indices into `classes`; the first one of equals.

    With "argmax" the class of the highest logit is predicted. With "mean_probability" it is the class with the highest
    mean of the softmax probabilities of its outputs (Geirhos et al. 2018). An output of no class is never predicted: it
    counts for neither rule.

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
    if rule == "mean_probability":
        # Outputs of no class change the sum that softmax divides by, which is the same for all classes.
        values[:, [name is None for name in outputs or ()]] = -np.inf
        values = np.exp(values - values.max(axis=1, keepdims=True))
        scores = np.stack([values[:, own].mean(1) for own in members], axis=1)  # (n, names)
    else:
        scores = np.stack([values[:, own].max(1) for own in members], axis=1)
    index = np.array([classes.index(name) if name in classes else -1 for name in names], dtype=np.int64)
    found: NDArray[np.int64] = index[scores.argmax(1)]
    return found
