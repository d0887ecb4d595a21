"""The 1,797 handwritten digits that come with scikit-learn: 8×8, one channel, no download."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from workflow_lib.datasets.image_arrays import array_split
from workflow_lib.datasets.selection import train_and_test
from workflow_lib.datasets.split import Split, numbered


def read_digits(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits of scikit-learn's digits by `test_fraction` and `split_seed`; pixels float32, sixteenths in [0, 1]."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    labels = digits.target.astype(np.int64)
    whole = array_split(
        (digits.images / 16).astype(np.float32),
        labels,
        numbered("digits", len(labels), width=4),
        tuple(str(digit) for digit in range(10)),
        layout="NHWC",
        source="digits",
        origin="digits",
    )
    return train_and_test(whole, spec)
