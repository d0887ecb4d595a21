"""Readers of images, rows and texts, by the `source` in the config.

A reader takes a validated section of the config and returns the splits "train" and "test", or raises a UserError if
files are missing or damaged. Short readers are defined here, long ones in modules that are imported when needed.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from workflow_lib.datasets.image_arrays import array_split
from workflow_lib.datasets.selection import select, train_and_test
from workflow_lib.datasets.split import Split, Texts, numbered

Spec = Mapping[str, Any]
Splits = dict[str, Split] | dict[str, Texts]


def load(spec: Spec) -> dict[str, Split | Texts]:
    """Splits "train" and "test" of a source, after class selection and subsampling. No pixels are read yet.

    Args:
        spec: a validated data-set section of the config: `source`, the keys of that source, and optionally
            `classes`, `superclasses`, `subsample`.

    Raises:
        UserError: data missing, damaged or in the wrong form for the source.
    """
    return {name: select(split, spec, name) for name, split in READERS[spec["source"]](spec).items()}


def _digits(spec: Spec) -> Splits:
    """The 1,797 handwritten digits of scikit-learn: 8 x 8, one channel, float32 multiples of 1/16 in [0, 1]."""
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


def _glyphs(spec: Spec) -> Splits:
    from workflow_lib.datasets.glyphs import read_glyphs

    return read_glyphs(spec)


def _torchvision(spec: Spec) -> Splits:
    from workflow_lib.datasets.torchvision_sets import read_torchvision

    return read_torchvision(spec)


def _imagefolder(spec: Spec) -> Splits:
    from workflow_lib.datasets.imagefolder import read_imagefolder

    return read_imagefolder(spec)


def _arrays(spec: Spec) -> Splits:
    from workflow_lib.datasets.arrays import read_arrays

    return read_arrays(spec)


def _audio(spec: Spec) -> Splits:
    from workflow_lib.datasets.audio import read_audio

    return read_audio(spec)


def _table(spec: Spec) -> Splits:
    from workflow_lib.datasets.tables import read_table

    return read_table(spec)


def _sklearn(spec: Spec) -> Splits:
    from workflow_lib.datasets.tables import read_sklearn

    return read_sklearn(spec)


def _text(spec: Spec) -> Splits:
    from workflow_lib.datasets.text import read_text

    return read_text(spec)


def _function(spec: Spec) -> Splits:
    from workflow_lib.datasets.function import read_function

    return read_function(spec)


READERS: Final[Mapping[str, Callable[[Spec], Splits]]] = {
    "digits": _digits,
    "glyphs": _glyphs,
    "cifar10": _torchvision,
    "cifar100": _torchvision,
    "fashion_mnist": _torchvision,
    "imagefolder": _imagefolder,
    "arrays": _arrays,
    "audio": _audio,
    "function": _function,
    "table": _table,
    "iris": _sklearn,
    "wine": _sklearn,
    "breast_cancer": _sklearn,
    "text": _text,
}
