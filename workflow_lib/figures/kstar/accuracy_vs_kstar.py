"""Accuracy of classes against the mean and the skewness of their k* (docs/science.md 1.11)."""

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_lib.figures.axes import nothing
from workflow_lib.figures.correlation import words
from workflow_lib.figures.style import PATTERN_COLOURS, RC, new_figure, pattern_patches
from workflow_lib.points import DIMENSIONS

MEASURES = {"mean": "mean k*", "skewness": "skewness of k*"}
READING = "Dot: a class at one point of the study. ρ: Spearman's rank correlation over all n dots, with a 95 % interval"
INTERVAL = {
    "networks": "of a bootstrap of the networks (model and seed).",
    "rows": "of a bootstrap of the dots, which treats them as independent.",
}
NO_ACCURACY = "k* is not an accuracy."


@mpl.rc_context(RC)
def draw(classes: pd.DataFrame, trend: pd.DataFrame, *, threshold: float, title: str) -> tuple[Figure, pd.DataFrame]:
    """A panel for the mean and one for the skewness; accuracy is the vertical axis of both.

    Args:
        classes: from `class_table`.
        trend: from `trend_table`, of these classes.
        threshold: skewness beyond which a class is fractured or clustered, for the legend.
        title: heading of the figure.

    Returns:
        The figure, and the rows of classes with what it shows; those without accuracy or skewness have no dot.
    """
    numbers = classes[[*DIMENSIONS, "label", "class_name", *MEASURES, "pattern", "accuracy"]]
    if numbers["accuracy"].isna().all():
        return nothing(title, "accuracies are not known"), numbers
    rows = trend[trend["against"].isin(list(MEASURES))].set_index("against").to_dict("index")
    drawn = "rows" if any(row["resampled"] == "rows" for row in rows.values()) else "networks"
    figure = new_figure(7, 2.8, title, READING, INTERVAL[drawn], NO_ACCURACY)
    for axes, (measure, label) in zip(figure.subplots(1, 2, sharey=True), MEASURES.items(), strict=True):
        _draw_panel(axes, numbers, measure)
        axes.set_xlabel(label)
        axes.set_title(words(rows[measure]) if measure in rows else "", loc="left")
    figure.axes[0].set_ylabel("accuracy")
    undefined = bool((numbers["pattern"] == "Undefined").any())
    figure.legend(handles=pattern_patches(threshold, undefined), loc="outside right upper")
    return figure, numbers


def _draw_panel(axes: Axes, numbers: pd.DataFrame, measure: str) -> None:
    colours = numbers["pattern"].map(PATTERN_COLOURS)
    size, alpha = (14, 0.7) if len(numbers) <= 500 else (4, 0.3)
    axes.scatter(numbers[measure], numbers["accuracy"], s=size, c=colours, alpha=alpha, linewidths=0, rasterized=True)
    axes.ticklabel_format(style="plain", useOffset=False)
