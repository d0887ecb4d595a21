"""Quality of a network, estimated without data from its class prototypes, against its test accuracy."""

from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow_lib.figures.axes import nothing, say
from workflow_lib.figures.panels import describe, spread
from workflow_lib.figures.selection import choose_models
from workflow_lib.figures.style import RC, new_figure, short_names
from workflow_lib.intervals import readings

Colour = tuple[float, float, float, float]

READING = (
    "M_g: 1 − mean cosine similarity of the features of two class prototypes. Dot: a set of prototypes. Faint ring: "
    "with the diagonal counted as zeros, as its authors do. M_g needs no data; the accuracy is that on the test split."
)
LEGEND_INTERVALS = 10
POINT = ["model", "seed", "interval", "initialisation"]
VALUES = ["m_g", "m_g_zero_diagonal", "accuracy"]


@mpl.rc_context(RC)
def draw(table: pd.DataFrame, *, title: str) -> tuple[Figure, pd.DataFrame]:
    """M_g over test accuracy, coloured by interval; a panel for each of at most four models.

    Args:
        table: a row per model, seed, interval and initialisation: m_g (0 to 2), m_g_zero_diagonal, accuracy (0 to 1);
            NaN if not defined (one class) or not known.
        title: heading of the figure.

    Returns:
        The figure, and the rows of the models shown; those without M_g or accuracy have no dot.
    """
    if table.empty:
        return nothing(title, "no prototypes"), table[[*POINT, *VALUES]]
    models, choice = choose_models(table)
    numbers = table.loc[table["model"].isin(models), [*POINT, *VALUES]].reset_index(drop=True)
    missing = int(numbers[["m_g", "accuracy"]].isna().any(axis=1).sum())
    gaps = f"{missing} of {len(numbers)} sets have no M_g or accuracy." if missing else ""
    colours = _interval_colours(numbers)
    figure = new_figure(2.7 * len(models) + 1.9, 3.0, title, READING, gaps, choice)
    grid = figure.subplots(1, len(models), sharex=True, sharey=True, squeeze=False)[0]
    for axes, model, name in zip(grid, models, short_names(models), strict=True):
        _draw_panel(axes, numbers[numbers["model"] == model], colours)
        axes.set_title(name, loc="left")
        axes.set_xlabel("test accuracy")
    if missing == len(numbers):
        grid[0].set(xlim=(0, 1), ylim=(0, 1))
    grid[0].set_ylabel("M_g")
    figure.legend(handles=_legend(colours, readings(table)), loc="outside right upper")
    return figure, numbers


def _interval_colours(table: pd.DataFrame) -> dict[int, Colour]:
    """From dark (early) to light (late)."""
    intervals = sorted({int(interval) for interval in table["interval"]})
    last = max(len(intervals) - 1, 1)
    return {interval: mpl.colormaps["viridis"](0.92 * i / last) for i, interval in enumerate(intervals)}


def _draw_panel(axes: Axes, part: pd.DataFrame, colours: dict[int, Colour]) -> None:
    here = part.dropna(subset=["m_g", "accuracy"])
    every = [colours[int(interval)] for interval in here["interval"]]
    axes.scatter(
        here["accuracy"],
        here["m_g_zero_diagonal"],
        s=14,
        facecolors="none",
        edgecolors=every,
        linewidths=0.6,
        alpha=0.5,
    )
    axes.scatter(here["accuracy"], here["m_g"], s=14, c=every, linewidths=0)
    if here.empty:
        say(axes, "M_g or accuracy not known")


def _legend(colours: dict[int, Colour], of: list[str]) -> list[Line2D]:
    dot: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 4, "markeredgewidth": 0}
    ring: dict[str, Any] = {
        "linestyle": "",
        "marker": "o",
        "markersize": 4,
        "markerfacecolor": "none",
        "color": "#909090",
    }
    return [
        *(
            Line2D([], [], color=colours[interval], label=describe("interval", interval, of), **dot)
            for interval in spread(list(colours), LEGEND_INTERVALS)
        ),
        Line2D([], [], label="with zero diagonal", **ring),
    ]
