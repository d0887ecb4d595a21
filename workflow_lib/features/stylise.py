"""Stylisation: images that keep their shapes and take on the look of a style image from a folder.

The amplitudes of spatial frequencies carry colour and texture, their phases the shapes. So the amplitudes of the style
image replace those of the image (Yang & Soatto 2020, FDA: Fourier Domain Adaptation). No weights are needed.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workflow_lib import seeds
from workflow_lib.datasets.image_tree import SUFFIXES
from workflow_lib.datasets.imagefolder import decode
from workflow_lib.errors import Problem, UserError
from workflow_lib.io.folders import entries_below

LUMA = np.array([0.299, 0.587, 0.114])
"""Weights of red, green and blue in a grey value (ITU-R BT.601)."""


def stylise(
    images: NDArray[np.float32], ids: Sequence[str], folder: str, amount: float, seed: int
) -> NDArray[np.float32]:
    """Each image in the style of one from the folder, which is drawn from the image's id and the seed.

    Args:
        images: (n, c, y, x) in [0, 1], with one channel or three.
        ids: of the samples.
        folder: images at any depth.
        amount: share of the frequencies whose amplitudes are replaced, in (0, 1], as in `swap_amplitudes`.
        seed: of the draw.

    Raises:
        UserError: no images in the folder, a damaged one, or images with other channels.
    """
    channels, height, width = images.shape[1:]
    if channels not in (1, 3):
        allowed = "images must be grey (1 channel) or colour (3 channels)"
        raise UserError(Problem("transforms.styles", f"{channels} channels", allowed, "choose another transform"))
    files = _style_files(folder)
    chosen = [files[seeds.derive(seed, sample, "style") % len(files)] for sample in ids]
    styles = np.stack([_style(file, channels, height, width) for file in chosen])
    return swap_amplitudes(images, styles, amount)


def swap_amplitudes(images: NDArray[np.float32], styles: NDArray[np.float32], amount: float) -> NDArray[np.float32]:
    """Images with the amplitudes of the style images at low frequencies and their own phases, clipped to [0, 1].

    Args:
        images: (n, c, y, x) in [0, 1].
        styles: as many of the same shape.
        amount: frequencies up to this share of the highest one, along both axes, take the style's amplitude: 1 replaces
            all, values near 0 only the mean colour.
    """
    own, other = np.fft.fft2(images), np.fft.fft2(styles)
    low = [np.abs(np.fft.fftfreq(side)) <= amount / 2 for side in images.shape[2:]]
    inside = low[0][:, None] & low[1][None, :]
    amplitude = np.where(inside, np.abs(other), np.abs(own))
    changed = np.fft.ifft2(amplitude * np.exp(1j * np.angle(own))).real
    return changed.clip(0, 1).astype(np.float32)


@lru_cache(maxsize=1)
def _style_files(folder: str) -> list[Path]:
    """Image files below a folder, in the order of their paths."""
    files = [path for path in entries_below(Path(folder)) if path.suffix.lower() in SUFFIXES and path.is_file()]
    if not files:
        raise UserError(Problem("transforms.styles", folder, "there are no images in this folder", "put some there"))
    return sorted(files)


@lru_cache(maxsize=512)
def _style(file: Path, channels: int, height: int, width: int) -> NDArray[np.float32]:
    """A style image (channels, y, x) in [0, 1], scaled until it covers the size and cropped to its centre."""
    colour = decode(file, height, width).transpose(2, 0, 1) / 255
    chosen = colour if channels == 3 else np.tensordot(LUMA, colour, axes=1)[None]
    return chosen.astype(np.float32)
