"""Means of the dissimilarities C and R over the layers of a network, at each training interval."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from workflow_lib.figures.axes import NO_ENTRIES, interval_colours, interval_handles, nothing, say
from workflow_lib.figures.panels import spread
from workflow_lib.figures.prototypes.tensors import LABELS, counted
from workflow_lib.figures.selection import choose_models
from workflow_lib.figures.style import RC, new_figure, short_names

MOST_INTERVALS = 10


@mpl.rc_context(RC)
def draw(intervals: pd.DataFrame, *, include_self: bool, unconverged: str, title: str) -> tuple[Figure, pd.DataFrame]:
    """C above, R below, a line for each of at most ten intervals; a column for each of four models.

    Args:
        intervals: a row per model, interval, layer, tensor (C, R) and include_self: mean (NaN without entries); layers
            in their order.
        include_self: whether an image's dissimilarity to itself is included.
        unconverged: "leave_out" or "keep".
        title: heading of the figure.

    Returns:
        The figure, and the rows of `intervals` that it shows.
    """
    numbers = intervals[intervals["include_self"] == include_self]
    if numbers.empty:
        return nothing(title, NO_ENTRIES), numbers
    models, choice = choose_models(numbers)
    shown = spread(sorted(numbers["interval"].unique()), MOST_INTERVALS)
    numbers = numbers[numbers["model"].isin(models) & numbers["interval"].isin(shown)].reset_index(drop=True)
    colours = interval_colours(shown)
    longest = max(map(len, numbers["layer"]))
    figure = new_figure(
        2.7 * len(models) + 1.9, 3.4 + 0.075 * longest, title, counted(include_self, unconverged), choice
    )
    grid = figure.subplots(2, len(models), sharex="col", sharey=True, squeeze=False)
    for column, (model, name) in enumerate(zip(models, short_names(models), strict=True)):
        own = numbers[numbers["model"] == model]
        layers = list(dict.fromkeys(own["layer"]))
        for axes, tensor in zip(grid[:, column], LABELS, strict=True):
            means = own[own["tensor"] == tensor].pivot(index="layer", columns="interval", values="mean").reindex(layers)
            for interval, line in means.items():
                axes.plot(np.arange(len(layers)), line, color=colours[int(str(interval))], marker="o", markersize=3)
            if means.isna().all(axis=None):
                say(axes, NO_ENTRIES)
        grid[0, column].set_title(name, loc="left")
        grid[1, column].set_xticks(np.arange(len(layers)), short_names(layers), rotation=90)
    for axes, tensor in zip(grid[:, 0], LABELS, strict=True):
        axes.set_ylabel(f"mean {tensor}")
    grid[0, 0].set_ylim(0, None if numbers["mean"].notna().any() else 1)
    figure.legend(handles=interval_handles(colours), loc="outside right upper")
    return figure, numbers
