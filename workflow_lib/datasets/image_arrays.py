"""Splits of image arrays: axes in canonical order, pixels uint8 or float32."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.files import damaged
from workflow_lib.datasets.split import Labels, Rows, Split, Strings
from workflow_lib.errors import Problem, UserError

MOST_CHANNELS = 4


def array_split(
    images: Any,
    labels: Labels,
    ids: Strings,
    class_names: tuple[str, ...],
    *,
    layout: str,
    source: str,
    origin: str,
) -> Split:
    """A split that reads its pixels from an array in memory or on disk.

    Args:
        images: NumPy array or similar (memory map, Zarr array) with `.shape`, `.dtype` and `images[rows]`: (N, H, W)
            with one channel, or (N, H, W, C) or (N, C, H, W) as given by `layout`; uint8, or floats in [0, 1].
        labels: (N,) int64.
        ids: (N,) text.
        class_names: name of each class.
        layout: "NHWC" or "NCHW".
        source: kind of source.
        origin: place of the images in error messages.

    Raises:
        UserError: wrong shape, type or number of images.
    """
    shape = image_shape(tuple(images.shape), layout, origin)
    dtype = stored_dtype(np.dtype(images.dtype), origin)
    if images.shape[0] != len(labels):
        raise UserError(
            Problem(origin, f"{images.shape[0]} images, {len(labels)} labels", "each image has one label", "align them")
        )

    def read(rows: Rows) -> NDArray[Any]:
        try:
            block = np.asarray(images[rows])
        except Exception as error:  # decoders of stored arrays raise errors of their own kinds
            raise UserError(damaged(origin, error)) from error
        if block.ndim == 4 and layout == "NHWC":
            block = block.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(block.reshape(len(rows), *shape), dtype=dtype)

    return Split(source, origin, labels, ids, class_names, shape, dtype, read)


def image_shape(shape: tuple[int, ...], layout: str, origin: str) -> tuple[int, int, int]:
    """(channels, height, width) of images stored with this shape and layout.

    Raises:
        UserError: not three or four axes, an empty image, or more channels than the layout can have.
    """
    if len(shape) == 3:
        channels, height, width = 1, *shape[1:]
    elif len(shape) == 4:
        channels, height, width = (shape[3], *shape[1:3]) if layout == "NHWC" else shape[1:]
    else:
        raise UserError(
            Problem(origin, f"shape {shape}", "images are (N, H, W), (N, H, W, C) or (N, C, H, W)", "reshape them")
        )
    other = "NCHW" if layout == "NHWC" else "NHWC"
    if channels > MOST_CHANNELS >= min(height, width):
        raise UserError(
            Problem(
                origin,
                f"shape {shape}",
                f"read as {layout} an image would have {channels} channels, {height} rows and {width} columns",
                f"transpose the images, or, with source: arrays, set layout: {other}",
            )
        )
    if min(channels, height, width) < 1:
        raise UserError(Problem(origin, f"shape {shape}", "the images have no pixels", "replace the file"))
    return channels, height, width


def stored_dtype(dtype: np.dtype[Any], origin: str) -> np.dtype[Any]:
    """uint8 for uint8, float32 for any float.

    Raises:
        UserError: another type of pixels; its full scale is unknown.
    """
    if dtype == np.uint8:
        return dtype
    if dtype.kind == "f":
        return np.dtype(np.float32)
    raise UserError(
        Problem(
            origin,
            f"pixels of type {dtype}",
            "pixels are uint8 (0 to 255) or floats from 0 to 1",
            "convert the images to one of these",
        )
    )
