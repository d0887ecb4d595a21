"""What weights that others have published were made with."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pretrained:
    """Settings with which published weights were made.

    Attributes:
        options: options of the network, other than their defaults.
        normalize: {"mean": […], "std": […]} of the images' channels, for images in [0, 1].
        image_size: (y, x) in pixels.
        resize: shorter side to which images are scaled before they are cropped to `image_size`.
        interpolation: how they are scaled, such as "bilinear".
    """

    options: dict[str, Any]
    normalize: dict[str, list[float]]
    image_size: tuple[int, int]
    resize: int
    interpolation: str
