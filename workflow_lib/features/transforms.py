"""Changes of images before features are extracted (docs/science.md 1.6). A sample always changes in the same way.

Images are float32 (n, c, y, x) in [0, 1], before and after.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from torch.nn.functional import affine_grid, grid_sample, interpolate

from workflow_lib import seeds
from workflow_lib.errors import Problem, UserError, unknown
from workflow_lib.features.stylise import stylise
from workflow_lib.user_code import call

SAME = 1e-3
"""Largest difference between the results of a user's function for an image in its batch and alone."""


def apply(images: np.ndarray, ids: Sequence[str], spec: Mapping[str, Any] | None, device: str = "cpu") -> np.ndarray:
    """The images changed by `spec`: {"kind": …, its parameter, "seed": …}; None changes nothing.

    The result of a sample depends only on its image, its id and the spec, never on its batch. A kind with a network of
    its own runs it on the device.

    Raises:
        UserError: an unknown kind, or a parameter that does not fit the images.
    """
    if spec is None:
        return images
    kind = spec["kind"]
    if kind not in KINDS:
        raise UserError(unknown("transforms.kind", kind, "transform", KINDS))
    return KINDS[kind](images, ids, spec, device)


def rotation(images: np.ndarray, degrees: float) -> np.ndarray:
    """Images rotated counter-clockwise about their centre, in the same size; bilinear, black outside the image."""
    height, width = images.shape[2:]
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    # Source position of each pixel, in units of half an axis; the y axis points down.
    matrix = torch.tensor([[cos, -sin * height / width, 0], [sin * width / height, cos, 0]], dtype=torch.float32)
    source = torch.from_numpy(images)
    grid = affine_grid(matrix.expand(len(images), 2, 3), list(images.shape), align_corners=False)
    turned = grid_sample(source, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return turned.clamp_(0, 1).numpy()


def centre_crop(images: np.ndarray, pixels: int) -> np.ndarray:
    """The centre of the images, enlarged to the original size; bilinear with antialiasing.

    `pixels` is the shorter side of the crop; the longer side keeps the proportions of the image. If the margins
    are odd, the crop is half a pixel towards the top left.

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

    The noise of an image is drawn from its id, the seed and `std`, so two levels of noise are independent.
    """
    noise = [
        seeds.generator(seed, sample, "gaussian_noise", std).standard_normal(images.shape[1:], dtype=np.float32)
        for sample in ids
    ]
    noisy: np.ndarray = np.clip(images + np.float32(std) * np.stack(noise), 0, 1)
    return noisy


def own_function(images: np.ndarray, ids: Sequence[str], spec: Mapping[str, Any]) -> np.ndarray:
    """Images returned by `function` ("module:name", called with images, ids and the options), float32.

    The last image of each batch is also changed alone, so a function that looks at its batch is noticed.

    Raises:
        UserError: the function is not found, raises, or returns another shape, values that are not floats in [0, 1], or
            an image that depends on its batch or on chance.
    """
    changed = _called(images, ids, spec)
    alone = _called(images[-1:], ids[-1:], spec)
    if not np.allclose(changed[-1:], alone, rtol=0, atol=SAME):
        found = "changes the same image differently in two calls: alone, and with others"
        repair = "treat each image by itself, and draw random numbers from a generator seeded with the id"
        raise UserError(Problem("transforms.function", f"{spec['function']}, sample {ids[-1]}", found, repair))
    return changed


def _called(images: np.ndarray, ids: Sequence[str], spec: Mapping[str, Any]) -> np.ndarray:
    """Images as the user's function returns them, float32, once they are found to be images."""
    function, arguments = spec["function"], {"images": images.copy(), "ids": list(ids), **spec["options"]}
    result = call(function, arguments, "transforms.function", spec["reads"])
    result = result.detach().cpu().numpy() if isinstance(result, torch.Tensor) else result
    found = ""
    if not isinstance(result, np.ndarray) or result.dtype.kind != "f":
        found = f"returns {getattr(result, 'dtype', type(result).__name__)}"
    elif result.shape != images.shape:
        found = f"returns the shape {result.shape} for images of the shape {images.shape}"
    elif not (fits := ((result >= 0) & (result <= 1)).reshape(len(result), -1).all(axis=1)).all():
        found = f"returns values that are NaN or outside 0 to 1 for sample {ids[int(np.argmin(fits))]}"
    if found:
        repair = "return an array of floats in [0, 1] of the same shape, as with numpy.clip(images, 0, 1)"
        raise UserError(Problem("transforms.function", function, found, repair))
    return np.asarray(result, dtype=np.float32)


KINDS: Final[Mapping[str, Callable[[np.ndarray, Sequence[str], Mapping[str, Any], str], np.ndarray]]] = {
    "rotation": lambda images, ids, spec, device: rotation(images, spec["degrees"]),
    "centre_crop": lambda images, ids, spec, device: centre_crop(images, spec["pixels"]),
    "gaussian_noise": lambda images, ids, spec, device: gaussian_noise(images, ids, spec["std"], spec["seed"]),
    "stylise": stylise,
    "function": lambda images, ids, spec, device: own_function(images, ids, spec),
}
"""Function of each kind of transform: (images (n, c, y, x), ids, keys of the config, device) -> changed images."""
