"""Changes made to images before features are taken (docs/science.md 1.6): each sample once, and always the same way.

Images are float32 (n, c, y, x) in [0, 1], before and after.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch.nn.functional import affine_grid, grid_sample, interpolate

from workflow_lib import seeds
from workflow_lib.errors import Problem, UserError, unknown


def apply(images: np.ndarray, ids: Sequence[str], spec: Mapping[str, Any] | None) -> np.ndarray:
    """The images changed as `spec` says: {"kind": …, its parameter, "seed": …}; None changes nothing.

    A sample's result depends on its own image, its id and the spec, never on its batch.

    Raises:
        UserError: a kind that does not exist, or a parameter that does not fit the images.
    """
    if spec is None:
        return images
    kind = spec["kind"]
    if kind not in KINDS:
        raise UserError(unknown("transforms.kind", kind, "transform", KINDS))
    return KINDS[kind](images, ids, spec)


def rotation(images: np.ndarray, degrees: float) -> np.ndarray:
    """Images turned counter-clockwise about their centre; bilinear, black where nothing was, same size."""
    height, width = images.shape[2:]
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    # Where each pixel comes from, in the unit of half an axis; the y axis points down.
    matrix = torch.tensor([[cos, -sin * height / width, 0], [sin * width / height, cos, 0]], dtype=torch.float32)
    source = torch.from_numpy(images)
    grid = affine_grid(matrix.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    turned = grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return turned.clamp_(0, 1).numpy()


def centre_crop(images: np.ndarray, pixels: int) -> np.ndarray:
    """The middle of the images, enlarged to their former size; bilinear with antialiasing.

    `pixels` is the shorter side of what is cut out; the longer one follows the image, so that nothing is
    distorted. Where the margins are odd, the cut lies half a pixel to the top left.

    Raises:
        UserError: `pixels` is less than 1 or more than the shorter side of the images.
    """
    height, width = images.shape[2:]
    shorter = min(height, width)
    if not 1 <= pixels <= shorter:
        raise UserError(
            Problem(
                "transforms.pixels",
                str(pixels),
                f"must be from 1 to {shorter}, the shorter side of the images",
                f"write a number from 1 to {shorter}",
            )
        )
    rows, columns = round(height * pixels / shorter), round(width * pixels / shorter)
    top, left = (height - rows) // 2, (width - columns) // 2
    middle = torch.from_numpy(images)[:, :, top : top + rows, left : left + columns]
    enlarged = interpolate(middle, (height, width), mode="bilinear", align_corners=False, antialias=True)
    return enlarged.clamp_(0, 1).numpy()


def gaussian_noise(images: np.ndarray, ids: Sequence[str], std: float, seed: int) -> np.ndarray:
    """Images with independent normal noise of standard deviation `std` on each value, clipped to [0, 1].

    Each image's noise is drawn from its id, the seed and `std`: two levels of noise are independent.
    """
    noise = [
        seeds.generator(seed, sample, "gaussian_noise", std).standard_normal(images.shape[1:], dtype=np.float32)
        for sample in ids
    ]
    noisy: np.ndarray = np.clip(images + np.float32(std) * np.stack(noise), 0, 1)
    return noisy


KINDS: Final[Mapping[str, Callable[[np.ndarray, Sequence[str], Mapping[str, Any]], np.ndarray]]] = {
    "rotation": lambda images, ids, spec: rotation(images, spec["degrees"]),
    "centre_crop": lambda images, ids, spec: centre_crop(images, spec["pixels"]),
    "gaussian_noise": lambda images, ids, spec: gaussian_noise(images, ids, spec["std"], spec["seed"]),
}
"""How each kind of transform changes images (n, c, y, x) with these ids: from its keys in the config."""
