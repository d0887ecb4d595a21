"""Two-dimensional maps beside the violins of the same features, a row for each point (docs/science.md 1.7)."""

from collections.abc import Callable, Sequence

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow_lib.figures.kstar.classes import choose_by_dataset, written_names
from workflow_lib.figures.kstar.violins import draw_panel, legend_handles, panel_width
from workflow_lib.figures.panels import Point, arrange, number_points
from workflow_lib.figures.style import RC, class_styles, name_height, new_figure

METHOD_NAMES = {"tsne": "t-SNE", "isomap": "Isomap", "pca": "PCA", "umap": "UMAP"}
READING = (
    "Left: maps of the features. Their axes have no unit, and distances on t-SNE and UMAP maps mean little. "
    "Right: k* in the full feature space. k* is not an accuracy. Number: skewness."
)
MOST_ROWS = 6


@mpl.rc_context(RC)
def draw(
    points: Sequence[Point],
    summary: pd.DataFrame,
    values: Callable[[int], pd.DataFrame],
    maps: Callable[[int, str], pd.DataFrame],
    *,
    methods: Sequence[str],
    wanted: Sequence[str] | None,
    threshold: float,
    title: str,
) -> tuple[Figure, pd.DataFrame]:
    """Maps and violins of the same features, a row for each of at most six points.

    Args:
        points: of the study, one seed each.
        summary: a row per point of the study (its dimensions) and class: class_name, label, mean, skewness, pattern.
        values: returns, for the index of a point, a row per sample: class_name, kstar. Called only for points shown.
        maps: returns, for the index of a point and a method, a row per sample on the map: class_name, x, y.
        methods: of the maps, from left to right.
        wanted: names of the classes that get a colour and a violin in the rows of their dataset; None: up to twenty.
            Samples of others are grey.
        threshold: skewness beyond which a class is fractured or clustered, for the legend.
        title: heading of the figure.

    Returns:
        The figure, and the samples on the maps, with the title of their point (`point`) and the method.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    layout = arrange(points, MOST_ROWS, across=1)
    numbered = number_points(summary, points)
    chosen, choice = choose_by_dataset(summary, wanted)
    classes = [chosen[points[point]["dataset"]] for point in layout.drawn]
    written = written_names(summary)
    sets = list(dict.fromkeys(map(tuple, classes)))
    most = max(map(len, sets))
    last = panel_width(most)
    width = 1.9 * len(methods) + last + 2.1
    labelled = [own != below for own, below in zip(classes, [*classes[1:], []], strict=True)]
    names = sum(labelled) * name_height([written[name] for own in sets for name in own])
    height = max(2.0 * len(layout.drawn) + names, 0.17 * sum(map(len, sets)) + 1)
    figure = new_figure(width, height, title, READING, layout.note, choice)
    widths = [1.9] * len(methods) + [last]
    grid = figure.subplots(len(layout.drawn), len(methods) + 1, squeeze=False, width_ratios=widths)
    numbers = []
    for row, (point, own) in enumerate(zip(layout.drawn, classes, strict=True)):
        for axes, method in zip(grid[row], methods, strict=False):
            samples = maps(point, method)
            _draw_map(axes, samples, own)
            axes.set_title(METHOD_NAMES.get(method, method) if row == 0 else "", loc="left")
            numbers.append(samples.assign(point=layout.titles[point], method=method))
        grid[row, 0].set_ylabel(layout.titles[point])
        violin = grid[row, -1]
        draw_panel(violin, values(point), numbered[numbered["point"] == point], own, written, most)
        violin.set_ylabel("k*")
        violin.tick_params(axis="x", labelbottom=labelled[row])
    of_classes = [handle for own in sets for handle in _class_handles([written[name] for name in own])]
    figure.legend(handles=[*legend_handles(numbered, threshold), *of_classes], loc="outside right upper")
    return figure, pd.concat(numbers)


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
