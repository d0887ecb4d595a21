"""Trajectories of class prototypes, from the start image (such as noise) to the end, as rows of images."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from workflow_lib.figures.panels import Point, spread
from workflow_lib.figures.prototypes.images import HATCHED, UNCONVERGED, describe_set, draw_image, open_cells, per_cent
from workflow_lib.figures.selection import choose_classes
from workflow_lib.figures.style import RC, class_names, labels_of, name_height, new_figure

READING = (
    "Row: a class prototype during its descent. Above each image: number of steps, and confidence in the class. "
    "The last image, framed, is the prototype."
)
ROWS = 5
MOST_SNAPSHOTS = 12
CELL = (1.12, 1.5)
"""From one image to the next, to the right and down, with room for two lines of text; an image is 1."""
INCHES = 0.66


@mpl.rc_context(RC)
def draw(store: xr.Dataset, *, point: Point, wanted: Sequence[str] | None, title: str) -> tuple[Figure, pd.DataFrame]:
    """A row of at most twelve images for each class: at the start, after 1, 2, 4, 8, … steps, and at the end.

    Args:
        store: prototypes of one network: coords target and origin (names), trajectory (target, snapshot,
            channel, y, x) in [0, 1]; trajectory_step (-1 beyond the end), trajectory_loss and trajectory_confidence
            by (target, snapshot); converged by (target, origin).
        point: model, seed, interval and initialisation of the set.
        wanted: names of classes; None: the first five.
        title: heading of the figure.

    Returns:
        The figure, and a row per snapshot of the classes shown: target, step, loss (nats), confidence (0 to 1),
        converged (at the end of the trajectory).

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    known = [str(name) for name in store["target"].values]
    classes, choice = choose_classes(known, known[:ROWS] if wanted is None else wanted, section="prototypes")
    at = [known.index(name) for name in classes]
    steps = store["trajectory_step"].values[at]
    numbers = pd.concat([_numbers(store, i, name) for i, name in zip(at, classes, strict=True)], ignore_index=True)
    names = [class_names(labels_of([known]))[name] for name in classes]
    columns = min(int((steps >= 0).sum(axis=1).max()), MOST_SNAPSHOTS)
    width, height = columns * CELL[0], len(classes) * CELL[1]
    reading = READING if numbers["converged"].all() else f"{READING} {HATCHED}"
    figure = new_figure(
        width * INCHES + name_height(names),
        height * INCHES + 0.2,
        title,
        reading,
        choice,
        describe_set(point),
    )
    axes = figure.subplots()
    open_cells(axes, width, height)
    axes.set_anchor("W")
    for row, (i, known_steps) in enumerate(zip(at, steps, strict=True)):
        own = numbers[numbers["target"] == classes[row]].reset_index(drop=True)
        snapshots = np.flatnonzero(known_steps >= 0)
        for column, place in enumerate(spread(range(len(own)), MOST_SNAPSHOTS)):
            end = place == len(own) - 1
            missed = end and not own["converged"][place]
            left, top = column * CELL[0], row * CELL[1] + CELL[1] - 1
            draw_image(axes, store["trajectory"][i, snapshots[place]].values, left, top, framed=end, hatched=missed)
            text = f"{own['step'][place]}\n{per_cent(own['confidence'][place])}"
            colour = UNCONVERGED if missed else "black"
            axes.text(left + 0.5, top - 0.05, text, ha="center", va="bottom", fontsize=6, color=colour, linespacing=1.1)
    axes.set_yticks((np.arange(len(classes)) + 1) * CELL[1] - 0.5, names)
    axes.tick_params(length=0)
    return figure, numbers


def _numbers(store: xr.Dataset, i: int, name: str) -> pd.DataFrame:
    """The trajectory of class `i` as rows."""
    table = pd.DataFrame(
        {column: store[f"trajectory_{column}"].values[i] for column in ("step", "loss", "confidence")}
    ).query("step >= 0")
    table.insert(0, "target", name)
    return table.assign(converged=bool(store["converged"].values[i, i]))
