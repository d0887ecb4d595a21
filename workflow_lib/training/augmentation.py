"""Random changes of training images, drawn for a whole epoch at once, so they do not depend on batches."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad


@dataclass(frozen=True)
class Augmentation:
    """How training images are changed.

    Attributes:
        flip: mirror each image left-right with probability one half.
        crop_padding: pad by this many black pixels on each side, then crop to the original size at a random place.
    """

    flip: bool = False
    crop_padding: int = 0


@dataclass(frozen=True)
class Draws:
    """One epoch's random choices, by position in the epoch.

    Attributes:
        flips: (n,) bool.
        offsets: (n, 2) int64, y and x of the crop, 0 … 2 * crop_padding.
    """

    flips: Tensor
    offsets: Tensor


def draw(augmentation: Augmentation, count: int, rng: np.random.Generator, device: str) -> Draws:
    """Random choices for the `count` samples of an epoch."""
    flips = rng.random(count) < 0.5
    offsets = rng.integers(0, 2 * augmentation.crop_padding + 1, size=(count, 2))
    return Draws(torch.from_numpy(flips).to(device), torch.from_numpy(offsets).to(device))


def augment(images: Tensor, augmentation: Augmentation, draws: Draws, start: int) -> Tensor:
    """Images (b, c, y, x) of the positions from `start` on, changed as drawn, in the same shape.

    A new tensor, or `images` itself if there is nothing to change.
    """
    rows = slice(start, start + len(images))
    if augmentation.flip:
        images = torch.where(draws.flips[rows, None, None, None], images.flip(-1), images)
    if augmentation.crop_padding:
        images = _crop(pad(images, [augmentation.crop_padding] * 4), draws.offsets[rows], images.shape[2:])
    return images


def _crop(padded: Tensor, offsets: Tensor, size: torch.Size) -> Tensor:
    sample = torch.arange(len(padded), device=padded.device)[:, None, None]
    y = offsets[:, 0, None, None] + torch.arange(size[0], device=padded.device)[None, :, None]
    x = offsets[:, 1, None, None] + torch.arange(size[1], device=padded.device)[None, None, :]
    return padded[sample, :, y, x].permute(0, 3, 1, 2)  # (b, y, x, c) -> (b, c, y, x)
