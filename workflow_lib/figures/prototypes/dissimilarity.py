"""Dissimilarities C and R over the training (docs/science.md 2.5), and their outliers (2.6)."""

from typing import Any

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from workflow_lib.dissimilarity.summary import chebyshev_bound
from workflow_lib.figures.prototypes.tensors import COLOURS, LABELS, MARKERS, counted
from workflow_lib.figures.selection import NO_ENTRIES, choose_models, label_intervals, nothing, say
from workflow_lib.figures.style import RC, new_figure, short_names


@mpl.rc_context(RC)
def dissimilarity(
    intervals: pd.DataFrame, *, include_self: bool, unconverged: str, outlier_z: float, title: str, note: str
) -> tuple[Figure, pd.DataFrame]:
    """Means with bands of a standard deviation above, shares of outliers below; a column for each of four models.

    Args:
        intervals: a row per model, interval and tensor (C, R): mean, std, spread_initialisations (NaN for one),
            outlier_share; NaN where no entry counts.
        include_self: whether an image's dissimilarity to itself counts.
        unconverged: "leave_out" or "keep".
        outlier_z: how many standard deviations from the mean an outlier is.
        title: heading of the figure.
        note: what is held and left out; follows the line on how to read the figure.

    Returns:
        The figure, and the rows of `intervals` that it shows.
    """
    if intervals.empty:
        return nothing(title, note, NO_ENTRIES), intervals
    models, choice = choose_models(intervals)
    numbers = intervals[intervals["model"].isin(models)].reset_index(drop=True)
    several = bool(numbers["spread_initialisations"].notna().any())
    figure = new_figure(
        2.7 * len(models) + 3.3,
        3.9,
        title,
        " ".join(filter(None, [counted(include_self, unconverged), _chebyshev(outlier_z), choice, note])),
    )
    grid = figure.subplots(2, len(models), sharex="col", sharey="row", squeeze=False, height_ratios=[2.4, 1])
    for column, (model, name) in enumerate(zip(models, short_names(models), strict=True)):
        part = numbers[numbers["model"] == model]
        means, outliers = grid[:, column]
        _draw_means(means, part)
        _draw_outliers(outliers, part, outlier_z)
        label_intervals(outliers, part["interval"])
        outliers.set_xlabel("share of the training done (%)")
        means.set_title(name, loc="left")
    grid[0, 0].set_ylim(0, None if numbers["mean"].notna().any() else 1)
    grid[1, 0].set_ylim(bottom=0)
    grid[0, 0].set_ylabel("dissimilarity")
    grid[1, 0].set_ylabel("outliers (%)")
    figure.legend(handles=_legend(several, outlier_z), loc="outside right upper")
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


def _draw_outliers(axes: Axes, part: pd.DataFrame, outlier_z: float) -> None:
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
    axes.axhline(100 * chebyshev_bound(outlier_z), color="#404040", linewidth=0.8, linestyle="--")


def _chebyshev(outlier_z: float) -> str:
    return (
        f"Outliers lie beyond {outlier_z:g} standard deviations from the mean of their own set; "
        f"no set can have more than {100 * chebyshev_bound(outlier_z):.1f}\N{NO-BREAK SPACE}% of them (Chebyshev)."
    )


def _legend(several: bool, outlier_z: float) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker=MARKERS[tensor], markersize=3, label=LABELS[tensor].replace(" (", "\n("))
        for tensor, colour in COLOURS.items()
    ]
    handles.append(Patch(color="black", alpha=0.18, linewidth=0, label="± standard deviation of entries"))
    if several:
        handles.append(Line2D([], [], color="black", marker="|", markersize=9, linestyle="", label=_SPREAD))
    label = f"Chebyshev's limit, 1/{outlier_z**2:g}"
    return [*handles, Line2D([], [], color="#404040", linewidth=0.8, linestyle="--", label=label)]


_SPREAD = "± standard deviation\nof means over initialisations"
