"""Distributions of the dissimilarities C and R at each training interval."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from workflow_lib.figures.axes import NO_ENTRIES, nothing, say
from workflow_lib.figures.panels import spread
from workflow_lib.figures.prototypes.tensors import COLOURS, LABELS, counted
from workflow_lib.figures.selection import choose_panels
from workflow_lib.figures.style import RC, new_figure

READING = (
    "Row: share of the training done. All distributions have the same area; each panel has its own vertical scale."
)
MOST_INTERVALS = 10


@mpl.rc_context(RC)
def draw(table: pd.DataFrame, *, include_self: bool, unconverged: str, title: str) -> tuple[Figure, pd.DataFrame]:
    """A row of panels for each of at most ten intervals, a column for each of at most four models or layers.

    Args:
        table: a row per model, interval, layer, tensor (C, R) and bin: low, high (dissimilarity), count; empty bins
            absent. An interval without entries has no rows.
        include_self: whether an image's dissimilarity to itself is included.
        unconverged: "leave_out" or "keep".
        title: heading of the figure.

    Returns:
        The figure, and the rows that it shows with their density (count / (sum of the tensor's counts × width)).
    """
    if table.empty:
        return nothing(title, NO_ENTRIES), table.assign(density=table["count"])
    known = sorted(table["interval"].unique())
    intervals = spread(known, MOST_INTERVALS)
    left_out = "" if len(intervals) == len(known) else f"{len(intervals)} of {len(known)} intervals are shown."
    drawn = table[table["interval"].isin(intervals)]
    total = drawn.groupby(["model", "interval", "layer", "tensor"])["count"].transform("sum")
    drawn = drawn.assign(density=drawn["count"] / (total * (drawn["high"] - drawn["low"])))
    panels, numbers, choice = choose_panels(drawn)
    rows, columns = len(intervals), len(panels)
    note = [READING, counted(include_self, unconverged), choice, left_out]
    figure = new_figure(3.2 * columns + 3.3, 0.75 * rows + 0.9, title, *note)
    grid = figure.subplots(rows, columns, sharex=True, squeeze=False)
    for row, interval in enumerate(intervals):
        for column, part in enumerate(panels.values()):
            _draw_panel(grid[row, column], part[part["interval"] == interval])
        grid[row, 0].set_ylabel(f"{interval}\N{NO-BREAK SPACE}%", rotation=0, ha="right", va="center")
    _finish(grid, list(panels), numbers)
    figure.legend(
        handles=[Patch(color=c, alpha=0.5, label=_label(t)) for t, c in COLOURS.items()], loc="outside right upper"
    )
    return figure, numbers


def _draw_panel(axes: Axes, part: pd.DataFrame) -> None:
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    if part.empty:
        say(axes, NO_ENTRIES)
    for tensor, colour in COLOURS.items():
        bins = part[part["tensor"] == tensor].sort_values("low")
        edges = np.unique(bins[["low", "high"]].to_numpy().round(9))
        # Empty bins are absent from the table: a gap between two bins is a step of height 0.
        heights = bins.set_index(bins["low"].round(9))["density"].reindex(edges[:-1], fill_value=0)
        if len(bins):
            axes.stairs(heights.to_numpy(), edges, fill=True, color=colour, alpha=0.35, linewidth=0)
            axes.stairs(heights.to_numpy(), edges, color=colour, linewidth=0.8)
    if len(part):
        axes.set_ylim(0, 1.08 * part["density"].max())


def _finish(grid: np.ndarray, names: Sequence[str], numbers: pd.DataFrame) -> None:
    for axes, name in zip(grid[0], names, strict=True):
        axes.set_title(name, loc="left")
    for axes in grid[-1]:
        axes.set_xlabel("dissimilarity")
    low, high = numbers["low"].min(), numbers["high"].max()
    grid[0, 0].set_xlim(low - 0.03 * (high - low), high + 0.03 * (high - low))


def _label(tensor: str) -> str:
    return LABELS[tensor].replace(" (", "\n(")
