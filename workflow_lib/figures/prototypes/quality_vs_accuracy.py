"""Measures of a network that need no data, from its prototypes, against its test accuracy (docs/science.md 2.8)."""

from collections.abc import Mapping
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow_lib.figures.axes import Colour, interval_colours, interval_handles, nothing, say
from workflow_lib.figures.correlation import words
from workflow_lib.figures.selection import choose_panels
from workflow_lib.figures.style import RC, new_figure

LABELS = {"m_g": "M_g", "m_adv": "M_adv", "C": "mean C", "R": "mean R"}
ZERO_DIAGONAL = "m_g_zero_diagonal"
READING = (
    "Dot: a set of prototypes. Faint ring: M_g with the diagonal counted as zeros. ρ: Spearman's rank correlation over "
    "n networks at an interval (means over initialisations), with a 95 % interval"
)
RESAMPLED = {
    "networks": "of a bootstrap of the networks.",
    "rows": "of a bootstrap that treats the intervals of a network as independent, so it is too narrow.",
}
POINT = ["model", "seed", "interval", "initialisation", "layer"]


@mpl.rc_context(RC)
def draw(table: pd.DataFrame, trend: pd.DataFrame, *, title: str) -> tuple[Figure, pd.DataFrame]:
    """A row of panels for each measure over accuracy, coloured by interval; a column for each of four models or layers.

    Args:
        table: a row per model, seed, interval, initialisation and layer: some of m_g, m_adv, C and R, m_g_zero_diagonal
            (all 0 to 2), accuracy (0 to 1); NaN if not defined or not known.
        trend: from `quality_trend`, of this table.
        title: heading of the figure.

    Returns:
        The figure, and the rows of the models and layers shown; a value that is NaN has no dot.
    """
    measures = [name for name in LABELS if name in table]
    columns = [*POINT, *measures, ZERO_DIAGONAL, "accuracy"]
    if table.empty:
        return nothing(title, "no prototypes"), table[columns]
    panels, numbers, choice = choose_panels(table[columns])
    missing = int(numbers[[*measures, "accuracy"]].isna().any(axis=1).sum())
    gaps = f"{missing} of {len(numbers)} sets lack a measure or the accuracy." if missing else ""
    colours = interval_colours(numbers["interval"])
    found = {(row["model"], row["layer"], row["measure"]): row for row in trend.to_dict("records")}
    shown = [found[key] for key in found if key[:2] in set(zip(numbers["model"], numbers["layer"], strict=True))]
    drawn = "rows" if any(row["resampled"] == "rows" for row in shown) else "networks"
    height = 1.9 * len(measures) + 0.6
    figure = new_figure(2.7 * len(panels) + 1.9, height, title, READING, RESAMPLED[drawn], gaps, choice)
    grid = figure.subplots(len(measures), len(panels), sharex=True, sharey="row", squeeze=False)
    for column, (heading, part) in enumerate(panels.items()):
        for row, measure in enumerate(measures):
            _draw_panel(grid[row, column], part, measure, colours)
            key = part["model"].iloc[0], part["layer"].iloc[0], measure
            title_of = [heading] * (row == 0) + [words(found[key])]
            grid[row, column].set_title("\n".join(title_of), loc="left")
        grid[-1, column].set_xlabel("test accuracy")
    for row, measure in enumerate(measures):
        grid[row, 0].set_ylabel(LABELS[measure])
    if numbers["accuracy"].isna().all():
        grid[0, 0].set(xlim=(0, 1))
    figure.legend(handles=_legend(colours), loc="outside right upper")
    return figure, numbers


def _draw_panel(axes: Axes, part: pd.DataFrame, measure: str, colours: Mapping[int, Colour]) -> None:
    here = part.dropna(subset=[measure, "accuracy"])
    every = np.array([colours[int(interval)] for interval in here["interval"]]).reshape(-1, 4)
    dots: dict[str, Any] = {"s": 14, "zorder": 3}
    if measure == "m_g":
        ring = dots | {"facecolors": "none", "edgecolors": every, "linewidths": 0.6, "alpha": 0.5}
        axes.scatter(here["accuracy"], here[ZERO_DIAGONAL], **ring)
    axes.scatter(here["accuracy"], here[measure], c=every, linewidths=0, **dots)
    if here.empty:
        axes.set_ylim(0, 1)
        say(axes, "not known")


def _legend(colours: Mapping[int, Colour]) -> list[Line2D]:
    ring: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 4, "markerfacecolor": "none"}
    return [*interval_handles(colours), Line2D([], [], label="with zero diagonal", color="#909090", **ring)]
