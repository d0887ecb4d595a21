"""Parts that several figures share: the axis of training intervals, and the text of an empty panel or figure."""

from collections.abc import Iterable, Mapping, Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow_lib.figures.panels import describe, spread
from workflow_lib.figures.style import SMALLEST_WIDTH, new_figure

Colour = tuple[float, float, float, float]

TRAINING = "share of the training done (%)"
"""Label of an axis of intervals."""

NO_ENTRIES = "no values"

LEGEND_INTERVALS = 10

TOUCHING = 0.06
"""Tick labels closer than this share of the axis would touch."""


def label_intervals(axes: Axes, intervals: Iterable[int]) -> None:
    """Set up a horizontal axis of training intervals in per cent, with a tick for each interval."""
    ticks = sorted(set(intervals))
    space = TOUCHING * (ticks[-1] - ticks[0]) or 5
    axes.set_xticks(ticks, thin_out(ticks, list(map(str, ticks))), rotation=90)
    axes.set_xlim(ticks[0] - space, ticks[-1] + space)


def interval_colours(intervals: Iterable[int]) -> dict[int, Colour]:
    """Colour of each training interval, from dark (early) to light (late)."""
    ordered = sorted({int(interval) for interval in intervals})
    last = max(len(ordered) - 1, 1)
    return {interval: mpl.colormaps["viridis"](0.92 * i / last) for i, interval in enumerate(ordered)}


def interval_handles(colours: Mapping[int, Colour]) -> list[Line2D]:
    """Legend entries of at most ten intervals."""
    return [
        Line2D([], [], color=colours[i], label=describe("interval", i), linestyle="", marker="o", markersize=4)
        for i in spread(list(colours), LEGEND_INTERVALS)
    ]


def thin_out(ticks: Sequence[float], texts: Sequence[str]) -> list[str]:
    """Tick labels, ascending; a label that would touch the next one is replaced by "". The last one stays."""
    shown, following = list(texts), len(ticks) - 1
    for i in reversed(range(len(ticks) - 1)):
        if ticks[following] - ticks[i] < TOUCHING * (ticks[-1] - ticks[0]):
            shown[i] = ""
        else:
            following = i
    return shown


def nothing(title: str, text: str, note: str = "") -> Figure:
    """The figure for a table without rows; `text` says why. Call it under `mpl.rc_context(RC)`."""
    figure = new_figure(SMALLEST_WIDTH, 1.2, title, note)
    axes = figure.subplots()
    axes.set_axis_off()
    say(axes, text)
    return figure


def say(axes: Axes, text: str) -> None:
    """Write in the middle of a panel why it is empty."""
    axes.text(0.5, 0.5, text, ha="center", va="center", color="#606060", transform=axes.transAxes)
