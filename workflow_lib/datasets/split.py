"""Labelled samples: the base class of texts and imported features, and splits of images or rows read block by block."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int64]
Rows = NDArray[np.int64]
Strings = NDArray[Any]
"""Text of variable length (numpy.dtypes.StringDType); NumPy's annotations cannot express this type yet."""


def as_text(value: object) -> str:
    """A name as text; bytes are UTF-8, and what is not becomes surrogates, as in names of files."""
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def strings(values: Iterable[object]) -> Strings:
    """Array (n,) of variable-length text; bytes that are not Unicode become escapes."""
    texts = [as_text(value).encode("utf-8", "backslashreplace").decode("utf-8") for value in values]
    return np.array(texts, dtype=np.dtypes.StringDType())


def numbered(prefix: str, count: int, width: int = 5) -> Strings:
    """Ids such as "train-00017" for data without ids, in the order of the file."""
    return strings(f"{prefix}-{index:0{width}d}" for index in range(count))


@dataclass(frozen=True, eq=False)
class Labelled:
    """Samples with labels and stable ids; subclasses add images or features.

    Attributes:
        source: kind of the source, such as "cifar10"; stored with the artifact.
        origin: place of the samples in error messages: a file, a folder, or the source and split.
        labels: (N,) int64, indices into `class_names`.
        ids: (N,) text, unique; an id does not depend on which samples are selected.
        class_names: one name per class.
    """

    source: str
    origin: str
    labels: Labels
    ids: Strings
    class_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: Rows) -> Self:
        """These samples only, in this order."""
        return replace(self, labels=self.labels[rows], ids=self.ids[rows])

    def renumber(self, new_label: Labels, class_names: tuple[str, ...]) -> Self:
        """The same samples with other classes: label c becomes `new_label[c]`."""
        return replace(self, labels=new_label[self.labels], class_names=class_names)


@dataclass(frozen=True, eq=False)
class Split(Labelled):
    """Labelled images, or rows of numbers in their form; values are read only on request.

    Attributes:
        image_shape: (channels, height, width); (layers, 1, features) of rows of numbers.
        dtype: uint8 (0...255) or float32 (0...1; any finite number in rows).
        read: ascending rows (n,) int64 -> images (n, channels, height, width) of `dtype`.
        left_out: what was left out of the data set on purpose, counted and named; stored with the artifact.
        scale: what the values mean, if not intensities; stored with the artifact.
        is_table: whether the samples are rows of numbers.
        changes: what was done to the samples, by kind, counted and named; stored with the artifact.
    """

    image_shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    read: Callable[[Rows], NDArray[Any]]
    left_out: str = ""
    scale: str = ""
    is_table: bool = False
    changes: Mapping[str, str] = field(default_factory=dict)

    def take(self, rows: Rows) -> Self:
        """These samples only, in this order."""
        return replace(super().take(rows), read=lambda wanted: self.read(rows[wanted]))


@dataclass(frozen=True, eq=False)
class Texts(Labelled):
    """Labelled texts.

    Attributes:
        texts: (N,) text, none of it empty.
        left_out: what was left out of the data set on purpose, counted and named; stored with the artifact.
    """

    texts: Strings
    left_out: str = ""

    def take(self, rows: Rows) -> Self:
        """These samples only, in this order."""
        return replace(super().take(rows), texts=self.texts[rows])
