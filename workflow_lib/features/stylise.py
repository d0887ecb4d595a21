"""Stylisation: images that keep their shapes and take on the look of a style image from a folder.

Without weights: the amplitudes of spatial frequencies carry colour and texture, their phases the shapes. So the
amplitudes of the style image replace those of the image (Yang & Soatto 2020, FDA: Fourier Domain Adaptation). With
weights: `adain`.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from workflow_lib import seeds
from workflow_lib.datasets.image_tree import SUFFIXES
from workflow_lib.datasets.imagefolder import decode
from workflow_lib.errors import Problem, UserError
from workflow_lib.features import adain
from workflow_lib.io.folders import entries_below

MOST_VALUES = 2**21
"""Pixel values in a batch of the networks."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in a grey value (ITU-R BT.601)."""


def stylise(
    images: NDArray[np.float32], ids: Sequence[str], spec: Mapping[str, Any], device: str
) -> NDArray[np.float32]:
    """Each image in the style of one from the folder, which is drawn from the image's id and the seed.

    Args:
        images: (n, c, y, x) in [0, 1], with one channel or three.
        ids: of the samples.
        spec: styles (folder of images at any depth); amount, as in `swap_amplitudes` or, with weights, as in
            `adain.restyle`; weights (encoder and decoder, two files) or None; seed (of the draw).
        device: "cpu" or "cuda", for the networks of the weights.

    Raises:
        UserError: no images in the folder, a damaged one, images with other channels, or wrong weights.
    """
    channels, height, width = images.shape[1:]
    if channels not in (1, 3):
        allowed = "images must be grey (1 channel) or colour (3 channels)"
        raise UserError(Problem("transforms.styles", f"{channels} channels", allowed, "choose another transform"))
    files = _style_files(spec["styles"])
    chosen = [files[seeds.derive(spec["seed"], sample, "style") % len(files)] for sample in ids]
    styles = np.stack([_style(file, height, width) for file in chosen])  # (n, 3, y, x)
    if spec["weights"] is None:
        return swap_amplitudes(images, styles if channels == 3 else _grey(styles), spec["amount"])
    networks = adain.load(spec["weights"]["encoder"], spec["weights"]["decoder"])
    colour = np.repeat(images, 3 // channels, axis=1)
    size = max(1, MOST_VALUES // colour[0].size)
    parts = [
        adain.restyle(
            torch.from_numpy(colour[start : start + size]),
            torch.from_numpy(styles[start : start + size]),
            spec["amount"],
            networks,
            device,
        )
        for start in range(0, len(images), size)
    ]
    restyled = torch.cat(parts).numpy()
    return restyled if channels == 3 else _grey(restyled)


def _grey(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Grey values (n, 1, y, x) of colour images."""
    grey: NDArray[np.float32] = np.einsum("c,ncyx->nyx", LUMA, images)[:, None]
    return grey


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
def _style(file: Path, height: int, width: int) -> NDArray[np.float32]:
    """A style image (3, y, x) in [0, 1], scaled until it covers the size and cropped to its centre."""
    return (decode(file, height, width).transpose(2, 0, 1) / 255).astype(np.float32)
