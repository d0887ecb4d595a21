"""The matrix P of one network as images: class prototypes, and the intermediaries between classes."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from workflow_lib.figures.panels import Point
from workflow_lib.figures.prototypes.images import HATCHED, UNCONVERGED, describe_set, draw_image, open_cells, per_cent
from workflow_lib.figures.selection import choose_classes
from workflow_lib.figures.style import RC, class_names, labels_of, name_height, name_rotation, new_figure

READING = (
    "Row: target, the class that the images were optimised for. Column: origin, the class whose prototype they started "
    "from. Framed: the class prototypes."
)
NUMBERS = ("loss", "confidence", "steps", "converged")
PITCH = 1.08
"""From one image to the next; an image is 1."""


@mpl.rc_context(RC)
def draw(store: xr.Dataset, *, point: Point, wanted: Sequence[str] | None, title: str) -> tuple[Figure, pd.DataFrame]:
    """Images of every pair of the classes shown; the diagonal is framed, images that did not converge are hatched.

    Args:
        store: prototypes of one network: coords target and origin (names), image (target, origin, channel, y, x) in
            [0, 1], and by (target, origin) loss, confidence, steps, converged.
        point: model, seed, interval and initialisation of the set.
        wanted: names of classes; None: all up to twenty, else ten evenly spread ones.
        title: heading of the figure.

    Returns:
        The figure, and a row per image: target, origin, loss (nats), confidence (0 to 1), steps, converged.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    known = [str(name) for name in store["target"].values]
    classes, choice = choose_classes(known, wanted, section="prototypes")
    at = [known.index(name) for name in classes]
    part = store[["image", *NUMBERS]].isel(target=at, origin=at).load()
    numbers = _numbers(part, classes)
    names, count = [class_names(labels_of([known]))[name] for name in classes], len(classes)
    inches = max(0.62 if count <= 10 else 0.47, 1.4 / count)
    side = count * PITCH * inches
    margin = name_height(names)
    figure = new_figure(
        side + margin + 0.4,
        side + margin + 0.2,
        title,
        _reading(numbers),
        choice,
        describe_set(point),
    )
    axes = figure.subplots()
    open_cells(axes, count * PITCH, count * PITCH)
    for row, column in np.ndindex(count, count):
        converged = bool(part["converged"].values[row, column])
        image = part["image"].values[row, column]
        draw_image(axes, image, column * PITCH, row * PITCH, framed=row == column, hatched=not converged)
        if not converged:
            text = per_cent(float(part["confidence"].values[row, column]))
            box = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 0.6}
            place = (column * PITCH + 0.5, row * PITCH + 0.93)
            axes.text(*place, text, ha="center", va="bottom", fontsize=5.5, color=UNCONVERGED, bbox=box)
    middles = (np.arange(count) + 0.5 / PITCH) * PITCH
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(middles, names, rotation=name_rotation(names))
    axes.set_yticks(middles, names)
    axes.tick_params(length=0)
    axes.set(xlabel="origin", ylabel="target")
    return figure, numbers


def _numbers(part: xr.Dataset, classes: Sequence[str]) -> pd.DataFrame:
    targets, origins = np.repeat(np.array(classes, object), len(classes)), np.tile(classes, len(classes))
    values = {name: part[name].values.ravel() for name in NUMBERS}
    return pd.DataFrame({"target": targets, "origin": origins.astype(object), **values})


def _reading(numbers: pd.DataFrame) -> str:
    missed = int((~numbers["converged"]).sum())
    if not missed:
        return f"{READING} All converged."
    return f"{READING} {HATCHED} Per cent: confidence in the target. {missed} of {len(numbers)} did not converge."
