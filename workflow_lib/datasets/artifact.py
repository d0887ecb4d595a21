"""Reading the canonical data-set artifact.

One file per split: `image` (sample, channel, y, x) uint8 or float32, coords `sample`, `label`, `class`. Rows of numbers
are called `values` (sample, layer, row, feature). Texts are the coord `text` (sample), and there is nothing else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.split import Texts, strings
from workflow_lib.errors import UserError
from workflow_lib.io import storage

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class StoredSplit:
    """A split on disk; labels and ids are in memory, pixels are read on request.

    Attributes:
        labels: (N,) int64, indices into `class_names`.
        ids: (N,) text.
        class_names: one name per class.
        image_shape: (channels, height, width); (layers, 1, features) of rows of numbers.
    """

    labels: NDArray[np.int64]
    ids: NDArray[Any]
    class_names: tuple[str, ...]
    image_shape: tuple[int, int, int]
    _pixels: "xr.DataArray"

    def __len__(self) -> int:
        return len(self.labels)

    def images(self, start: int, stop: int) -> NDArray[np.float32]:
        """Images start...stop-1 as (stop - start, channels, height, width) float32 in [0, 1]."""
        return unit_range(self._pixels[start:stop].values)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored pixels: uint8 or float32."""
        return self._pixels.dtype

    def pixels(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        """Images of ascending rows (n, channels, height, width) as stored."""
        return self._pixels[rows].values

    def all_images(self) -> NDArray[Any]:
        """All images (N, channels, height, width) as stored: uint8 in 0...255 or float32 in [0, 1]."""
        return self._pixels.values


def open_split(path: Path) -> StoredSplit:
    """Open a split written by `workflow_lib.datasets.writing.write`.

    Raises:
        UserError: the file is missing or damaged.
    """
    dataset = storage.load(path)
    try:
        pixels = dataset["values" if "values" in dataset else "image"]
        channels, height, width = pixels.shape[1:]
        return StoredSplit(
            labels=dataset["label"].values,
            ids=dataset["sample"].values,
            class_names=tuple(str(name) for name in dataset["class"].values),
            image_shape=(channels, height, width),
            _pixels=pixels,
        )
    except (KeyError, ValueError, OSError) as error:
        raise UserError(storage.damaged(path, error)) from error


def open_texts(path: Path) -> Texts:
    """Open a split of texts written by `workflow_lib.datasets.writing.write_texts`.

    Raises:
        UserError: the file is missing or damaged.
    """
    dataset = storage.load(path)
    try:
        return Texts(
            source="text",
            origin=str(path),
            labels=dataset["label"].values,
            ids=strings(dataset["sample"].values),
            class_names=tuple(str(name) for name in dataset["class"].values),
            texts=strings(dataset["text"].values),
        )
    except (KeyError, ValueError, OSError) as error:
        raise UserError(storage.damaged(path, error)) from error


def unit_range(images: NDArray[Any]) -> NDArray[np.float32]:
    """Stored pixels as float32 in [0, 1]: uint8 is divided by 255, float32 is left as it is."""
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    return images.astype(np.float32, copy=False)
