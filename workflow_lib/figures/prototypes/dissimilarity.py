"""Dissimilarities C and R during training (docs/science.md 2.5), and their outliers (2.6)."""

from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from workflow_lib.dissimilarity.summary import OUTLIER_Z, chebyshev_bound
from workflow_lib.figures.axes import NO_ENTRIES, TRAINING, label_intervals, nothing, say
from workflow_lib.figures.prototypes.tensors import COLOURS, LABELS, MARKERS, counted
from workflow_lib.figures.selection import choose_panels
from workflow_lib.figures.style import RC, new_figure

CHEBYSHEV = (
    f"Outliers: more than {OUTLIER_Z:g} standard deviations from the mean of their own set; "
    f"at most {100 * chebyshev_bound(OUTLIER_Z):.1f}\N{NO-BREAK SPACE}% of a set can be (Chebyshev)."
)
SPREAD = "± standard deviation\nof means over initialisations"


@mpl.rc_context(RC)
def draw(intervals: pd.DataFrame, *, include_self: bool, unconverged: str, title: str) -> tuple[Figure, pd.DataFrame]:
    """Means with bands of a standard deviation above, outliers below; a column for each of four models or layers.

    Args:
        intervals: a row per model, interval, layer, tensor (C, R) and include_self: mean, std,
            spread_initialisations (NaN for one), outlier_share; NaN without entries.
        include_self: whether an image's dissimilarity to itself is included.
        unconverged: "leave_out" or "keep".
        title: heading of the figure.

    Returns:
        The figure, and the rows of `intervals` that it shows.
    """
    numbers = intervals[intervals["include_self"] == include_self].reset_index(drop=True)
    if numbers.empty:
        return nothing(title, NO_ENTRIES), numbers
    panels, numbers, choice = choose_panels(numbers)
    several = bool(numbers["spread_initialisations"].notna().any())
    figure = new_figure(
        2.7 * len(panels) + 3.3,
        3.9,
        title,
        counted(include_self, unconverged),
        CHEBYSHEV,
        choice,
    )
    grid = figure.subplots(2, len(panels), sharex="col", sharey="row", squeeze=False, height_ratios=[2.4, 1])
    for column, (name, part) in enumerate(panels.items()):
        means, outliers = grid[:, column]
        _draw_means(means, part)
        _draw_outliers(outliers, part)
        label_intervals(outliers, part["interval"])
        outliers.set_xlabel(TRAINING)
        means.set_title(name, loc="left")
    grid[0, 0].set_ylim(0, None if numbers["mean"].notna().any() else 1)
    grid[1, 0].set_ylim(bottom=0)
    grid[0, 0].set_ylabel("dissimilarity")
    grid[1, 0].set_ylabel("outliers (%)")
    figure.legend(handles=_legend(several), loc="outside right upper")
    return figure, numbers


def _draw_means(axes: Axes, part: pd.DataFrame) -> None:
    for tensor, colour in COLOURS.items():
        line = part[part["tensor"] == tensor].sort_values("interval")
        x, mean, std = (line[name].to_numpy() for name in ("interval", "mean", "std"))
        axes.fill_between(x, mean - std, mean + std, color=colour, alpha=0.18, linewidth=0)
        if len(x) == 1:  # a band has no width there
            axes.plot([x[0]] * 2, [mean[0] - std[0], mean[0] + std[0]], color=colour, alpha=0.18, linewidth=9)
        style: dict[str, Any] = {"color": colour, "marker": MARKERS[tensor], "markersize": 3, "linewidth": 1.5}
        axes.errorbar(x, mean, line["spread_initialisations"], capsize=2.5, elinewidth=0.9, **style)
    if part["mean"].isna().all():
        say(axes, NO_ENTRIES)


def _draw_outliers(axes: Axes, part: pd.DataFrame) -> None:
    for tensor, colour in COLOURS.items():
        line = part[part["tensor"] == tensor].sort_values("interval")
        axes.plot(
            line["interval"],
            100 * line["outlier_share"],
            color=colour,
            marker=MARKERS[tensor],
            markersize=2.5,
            linewidth=1,
        )
    axes.axhline(100 * chebyshev_bound(OUTLIER_Z), color="#404040", linewidth=0.8, linestyle="--")


def _legend(several: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker=MARKERS[tensor], markersize=3, label=LABELS[tensor].replace(" (", "\n("))
        for tensor, colour in COLOURS.items()
    ]
    handles.append(Patch(color="black", alpha=0.18, linewidth=0, label="± standard deviation of entries"))
    if several:
        handles.append(Line2D([], [], color="black", marker="|", markersize=9, linestyle="", label=SPREAD))
    label = f"Chebyshev's limit, 1/{OUTLIER_Z**2:g}"
    return [*handles, Line2D([], [], color="#404040", linewidth=0.8, linestyle="--", label=label)]
