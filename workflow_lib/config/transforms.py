"""Section `transforms`: changes of the images before a trained network sees them."""

from typing import Annotated, Literal

from pydantic import Field

from workflow_lib.config.fields import Count, Section, Seed, example


class Rotation(Section):
    """Rotate the image; corners that were outside the image are black."""

    model_config = example(kind="rotation", degrees=30)

    kind: Literal["rotation"]
    """Rotation about the centre."""
    degrees: Annotated[float, Field(ge=-360, le=360)]
    """Angle, counter-clockwise."""


class CentreCrop(Section):
    """Crop the centre and resize it to the full image size."""

    model_config = example(kind="centre_crop", pixels=24)

    kind: Literal["centre_crop"]
    """Crop the centre, then resize."""
    pixels: Count
    """Shorter side of the crop; the crop keeps the proportions of the image."""


class GaussianNoise(Section):
    """Add normal noise to each pixel, then clip to [0, 1]."""

    model_config = example(kind="gaussian_noise", std=0.1)

    kind: Literal["gaussian_noise"]
    """Normal noise on each pixel."""
    std: Annotated[float, Field(gt=0)]
    """Standard deviation, for images in [0, 1]."""
    seed: Seed = 0
    """Seed of the noise. Each sample has its own noise, which depends on this seed and the sample's id."""


AnyTransform = Annotated[Rotation | CentreCrop | GaussianNoise, Field(discriminator="kind")]
