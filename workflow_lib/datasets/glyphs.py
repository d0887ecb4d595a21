"""Letters and digits in noise, rendered from the fonts that come with matplotlib."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from workflow_lib import seeds
from workflow_lib.datasets.image_arrays import array_split
from workflow_lib.datasets.split import Split, strings

FONTS: Final = (
    *("DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold"),
    *("DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic"),
    *("STIXGeneral", "STIXGeneralBol", "STIXGeneralItalic", "STIXGeneralBolIta"),
    *("cmr10", "cmb10", "cmss10", "cmti10", "cmtt10"),
)
"""Fonts with all letters and digits of ASCII."""

EM = 1.15
"""Size of the fonts, in sides of the image; capitals are 0.75 to 0.85 high."""

TURN, SHEAR, SMALLER, SHIFT = 15.0, 0.2, 0.2, 0.06
"""Largest turn (degrees) and shear to either side, decrease in size, and shift along each axis (in sides)."""

FINE = 4
"""A pixel is the mean of a square with so many finer pixels on a side."""


def read_glyphs(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits "train" and "test": one channel, uint8; ids such as "train-A-00017", class by class.

    An image depends only on the seed, its split, character and number, the side and the noise. So more images, or other
    characters, leave it as it is.
    """
    return {name: _split(spec, name) for name in ("train", "test")}


def _split(spec: Mapping[str, Any], name: str) -> Split:
    characters, count = spec["characters"], spec[name]
    images = [
        glyph(
            character,
            side=spec["side"],
            noise=spec["noise"],
            rng=seeds.generator("glyphs", spec["seed"], name, character, number),
        )
        for character in characters
        for number in range(count)
    ]
    return array_split(
        np.stack(images),
        np.repeat(np.arange(len(characters)), count),
        strings(f"{name}-{character}-{number:05d}" for character in characters for number in range(count)),
        tuple(characters),
        layout="NHWC",
        source="glyphs",
        origin=f"glyphs {name}",
    )


def glyph(character: str, *, side: int, noise: float, rng: np.random.Generator) -> np.ndarray:
    """A white character on black, in one of the fonts, turned, sheared, made smaller and shifted at random; in noise.

    With the ink in [0, 1], an image is (1 - a) * ink + a * u. `a` is uniform in [0, noise], and u in [0, 1) for each
    pixel.

    Args:
        character: an ASCII letter or digit.
        side: of the image, in pixels.
        noise: largest share of the noise, in [0, 1].
        rng: source of all random numbers.

    Returns:
        (side, side) uint8.
    """
    ink = _ink(character, side, rng)
    share = noise * rng.random()
    return np.rint(255 * ((1 - share) * ink + share * rng.random(ink.shape))).astype(np.uint8)


def _ink(character: str, side: int, rng: np.random.Generator) -> np.ndarray:
    """The character without noise, (side, side) float64 in [0, 1]."""
    fine = side * FINE
    drawn = _drawn(FONTS[rng.integers(len(FONTS))], character, round(EM * fine))
    turn, shear = np.radians(rng.uniform(-TURN, TURN)), rng.uniform(-SHEAR, SHEAR)
    shape = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ np.array([[1, shear], [0, 1]])
    room = (1 - 2 * SHIFT) * fine - 2 * FINE  # a margin of a pixel is left, wherever the character is shifted
    shape *= min(1.0, room / np.max(np.abs(shape) @ drawn.size)) * (1 - SMALLER * rng.random())
    inverse = np.linalg.inv(shape)  # Pillow wants the map from the new image to the old one
    middle = fine * (0.5 + rng.uniform(-SHIFT, SHIFT, 2))
    matrix = np.column_stack([inverse, np.array(drawn.size) / 2 - inverse @ middle]).ravel()
    moved = drawn.transform((fine, fine), Image.Transform.AFFINE, matrix.tolist(), Image.Resampling.BILINEAR)
    return np.asarray(moved.reduce(FINE), np.float64) / 255


@cache
def _drawn(font: str, character: str, size: int) -> Image.Image:
    """A character of a font of `size` pixels, white on black, cut to its ink."""
    face = ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf"), size)
    sheet = Image.new("L", (2 * size, 2 * size))
    ImageDraw.Draw(sheet).text((size // 2, size // 2), character, fill=255, font=face)
    return sheet.crop(sheet.getbbox())
