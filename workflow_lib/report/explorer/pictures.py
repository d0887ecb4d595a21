"""Pictures of many images in few files: sheets of equal cells, as WebP."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from workflow_lib.datasets.artifact import StoredSplit, unit_range
from workflow_lib.figures.prototypes.images import picture

SIDE = 64
"""Larger images are reduced to this many pixels on the longer side."""
COLUMNS = 16
PER_SHEET = COLUMNS * COLUMNS
EXACT = 16
"""Images up to this many pixels across keep every pixel as it is; larger ones are compressed with little loss."""
QUALITY = 82

Array = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Cell:
    """Size of a picture in a sheet, in pixels."""

    width: int
    height: int


def cell_of(height: int, width: int) -> Cell:
    """Size of the picture of an image."""
    scale = min(SIDE / max(height, width), 1)
    return Cell(max(round(width * scale), 1), max(round(height * scale), 1))


def sheet(images: Array, columns: int) -> bytes:
    """Images (n, channel, y, x) in [0, 1] side by side, row by row, as a WebP file; NaN becomes black."""
    cell = cell_of(*images.shape[2:])
    rows = -(-len(images) // columns)
    whole = Image.new("RGB", (columns * cell.width, rows * cell.height))
    for place, image in enumerate(images):
        pixels = np.rint(255 * picture(np.nan_to_num(image))).astype(np.uint8)
        one = Image.fromarray(pixels).convert("RGB")
        if one.size != (cell.width, cell.height):
            one = one.resize((cell.width, cell.height), Image.Resampling.LANCZOS)
        whole.paste(one, (place % columns * cell.width, place // columns * cell.height))
    file = io.BytesIO()
    exact = max(images.shape[2:]) <= EXACT
    whole.save(file, "webp", lossless=exact, quality=100 if exact else QUALITY, method=4)
    return file.getvalue()


def sheets(split: StoredSplit, rows: npt.NDArray[np.int64]) -> Iterator[bytes]:
    """Pictures of ascending rows of a split, 16 x 16 in a sheet; the last one may be shorter."""
    for start in range(0, len(rows), PER_SHEET):
        yield sheet(unit_range(split.pixels(rows[start : start + PER_SHEET])), COLUMNS)
