"""Two-dimensional maps beside the violins of the same features, a row for each point (docs/science.md 1.7)."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow_lib.figures.kstar.violins import draw_panel, mean_marker, panel_width
from workflow_lib.figures.style import RC, class_styles, name_height, new_figure, pattern_patches, short_names

METHOD_NAMES = {"tsne": "t-SNE", "isomap": "Isomap", "pca": "PCA", "umap": "UMAP"}
READING = (
    "Left: maps of the features; their axes have no unit, and distances on t-SNE and UMAP mean little. "
    "Right: k* in the full space. k* is not an accuracy. Number: skewness."
)
MOST_ROWS = 6


@mpl.rc_context(RC)
def maps(
    points: pd.DataFrame,
    values: Mapping[int, pd.DataFrame],
    summary: pd.DataFrame,
    classes: Sequence[str],
    titles: Mapping[int, str],
    *,
    title: str,
    note: str,
    threshold: float,
) -> Figure:
    """Maps and violins of the same features.

    Args:
        points: a row per sample on a map: point (index), method, class_name, x, y.
        values: for each point shown, a row per sample: class_name, kstar.
        summary: rows point, class_name, mean, skewness, pattern.
        classes: names of the classes that get a colour and a violin; samples of others are grey.
        titles: of each point shown, in the order of rows.
        title: heading of the figure.
        note: what is held and left out; follows the line on how to read the figure.
        threshold: skewness beyond which a class is fractured or clustered, for the legend.
    """
    methods = list(dict.fromkeys(points["method"]))
    names = short_names(classes)
    last = panel_width(len(classes))
    width = 1.9 * len(methods) + last + 2.1
    height = max(2.0 * len(titles) + name_height(names), 0.17 * len(classes) + 1)
    figure = new_figure(width, height, title, f"{READING} {note}")
    widths = [1.9] * len(methods) + [last]
    grid = figure.subplots(len(titles), len(methods) + 1, squeeze=False, width_ratios=widths)
    for row, (point, text) in enumerate(titles.items()):
        here = points[points["point"] == point]
        for axes, method in zip(grid[row], methods, strict=False):
            _draw_map(axes, here[here["method"] == method], classes)
            axes.set_title(METHOD_NAMES.get(method, method) if row == 0 else "", loc="left")
        grid[row, 0].set_ylabel(text)
        violin = grid[row, -1]
        draw_panel(violin, values[point], summary[summary["point"] == point], classes, names)
        violin.set_ylabel("k*")
        violin.tick_params(axis="x", labelbottom=row == len(titles) - 1)
    undefined = bool((summary["pattern"] == "Undefined").any())
    handles = [*pattern_patches(threshold, undefined), mean_marker(), *_class_handles(names)]
    figure.legend(handles=handles, loc="outside right upper")
    return figure


def _draw_map(axes: Axes, samples: pd.DataFrame, classes: Sequence[str]) -> None:
    others = samples[~samples["class_name"].isin(classes)]
    axes.scatter(others["x"], others["y"], s=3, color="#d8d8d8", linewidths=0, rasterized=True)
    for name, (colour, marker) in zip(classes, class_styles(len(classes)), strict=True):
        own = samples[samples["class_name"] == name]
        axes.scatter(own["x"], own["y"], s=5, color=colour, marker=marker, linewidths=0, alpha=0.8, rasterized=True)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color("#c0c0c0")


def _class_handles(names: Sequence[str]) -> list[Line2D]:
    styles = class_styles(len(names))
    return [
        Line2D([], [], color=colour, marker=marker, markersize=4, linestyle="", label=name)
        for name, (colour, marker) in zip(names, styles, strict=True)
    ]
