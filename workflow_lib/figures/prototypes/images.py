"""Images in the cells of a panel: colours, frames and marks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from workflow_lib.intervals import reading, share

Array = npt.NDArray[np.floating[Any]]

HATCHED = "Hatched: not converged within the step limit."
GREY = "#c0c0c0"
FLATTEST = 0.3
"""Least height of an image in widths, and the reverse; flatter ones, such as rows of numbers, are stretched."""
SHARP = 64
"""Images up to this many pixels across are drawn pixel by pixel; larger ones are averaged."""
UNCONVERGED = "#d55e00"
"""Colour of hatches and frames of images that did not converge."""


def describe_set(point: Mapping[str, object]) -> str:
    """A sentence on which set of prototypes is shown: model, seed, interval, initialisation."""
    start = f"start {point['initialisation']}"
    return f"{point['model']}, seed {point['seed']}, {share(point['interval'], [reading(point)])}, {start}."


def open_cells(axes: Axes, width: float, height: float) -> None:
    """Set up a panel for images of at most 1 by 1; y grows downwards, and there are no axes."""
    axes.set(xlim=(-0.1, width + 0.1), ylim=(height + 0.1, -0.1), xticks=[], yticks=[], aspect="equal")
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def draw_image(
    axes: Axes, image: Array, left: float, top: float, *, framed: bool = False, hatched: bool = False
) -> None:
    """Draw an image (channel, y, x) of values in [0, 1] into the cell at `left` and `top`.

    Args:
        axes: panel set up by `open_cells`.
        image: values in [0, 1]; with any NaN the cell is empty and says "none".
        left: edge of the cell.
        top: edge of the cell.
        framed: draw a black frame; other images have a pale one.
        hatched: mark it as not converged.
    """
    high, wide = np.maximum(np.array(image.shape[1:]) / max(image.shape[1:]), FLATTEST)
    left, top = left + (1 - wide) / 2, top + (1 - high) / 2
    if np.isfinite(image).all():
        method = "nearest" if max(image.shape[1:]) <= SHARP else "antialiased"
        box = (left, left + wide, top + high, top)
        axes.imshow(picture(image), cmap="gray", vmin=0, vmax=1, extent=box, interpolation=method)
    else:
        axes.text(left + wide / 2, top + high / 2, "none", ha="center", va="center", fontsize=7, color="#606060")
    place: Any = ((left, top), wide, high)
    if hatched:
        veil = ("white", 0.45)
        axes.add_patch(Rectangle(*place, facecolor=veil, hatch="///", edgecolor=UNCONVERGED, linewidth=0))
    colour = UNCONVERGED if hatched else "black" if framed else GREY
    axes.add_patch(
        Rectangle(*place, fill=False, edgecolor=colour, linewidth=1.5 if framed else 0.9 if hatched else 0.5)
    )


def picture(image: Array) -> Array:
    """Image (channel, y, x) as drawn: three channels are red, green and blue; others become their mean in grey."""
    clipped = np.clip(image, 0, 1)
    return np.moveaxis(clipped, 0, -1) if len(clipped) == 3 else clipped.mean(axis=0)


def per_cent(share: float) -> str:
    """A share in whole per cent, 100 only for exactly 1; "–" for NaN."""
    return "–" if share != share else f"{min(round(100 * share), 100 if share == 1 else 99)}\N{NO-BREAK SPACE}%"
