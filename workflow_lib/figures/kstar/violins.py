"""Violins of k* per class (docs/science.md 1.7), a panel for each point of a study."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from workflow_lib.figures.kstar.classes import choose_by_dataset, written_names
from workflow_lib.figures.panels import Layout, Point, arrange, number_points
from workflow_lib.figures.style import (
    PATTERN_COLOURS,
    RC,
    name_height,
    name_rotation,
    new_figure,
    pattern_patches,
    signed,
)
from workflow_lib.names import CERTAIN

Array = npt.NDArray[np.float64]

READING = (
    "k* near 1: the nearest neighbours of a sample are all of its own class. Near 0: another class is close by. "
    "k* is not an accuracy. Number: skewness. Dots: samples, at most 200 per class."
)
DOTS = 200
HATCH = "////"
"""Of violins whose pattern is uncertain."""
SMALLEST_BANDWIDTH = 0.01
QUANTILES = (0, 5, 25, 50, 75, 95, 100)


@mpl.rc_context(RC)
def draw(
    points: Sequence[Point],
    summary: pd.DataFrame,
    values: Callable[[int], pd.DataFrame],
    *,
    wanted: Sequence[str] | None,
    threshold: float,
    title: str,
) -> tuple[Figure, pd.DataFrame]:
    """Violins of each class, a panel for each of at most twelve points.

    Args:
        points: of the study, one seed each.
        summary: a row per point of the study (its dimensions) and class: class_name, label, mean, skewness, pattern,
            pattern_share.
        values: returns, for the index of a point, a row per sample: class_name, kstar. Called only for points shown.
        wanted: names of classes, of which a panel shows those of its dataset; None: up to twenty.
        threshold: skewness beyond which a class is fractured or clustered, for the legend.
        title: heading of the figure.

    Returns:
        The figure, and the rows of `summary` that it shows with the quantiles q0 … q100 of k*.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    numbered = number_points(summary, points)
    chosen, choice = choose_by_dataset(summary, wanted)
    classes = [chosen[point["dataset"]] for point in points]
    most = max(map(len, classes))
    layout = arrange(points, across=_panels_across(most))
    shown = {point: values(point) for point in layout.drawn}
    rows, columns = len(layout.rows), len(layout.rows[0])
    written = written_names(summary)
    labelled = _labelled(layout, classes)
    width = columns * panel_width(most) + 1.9
    below = [{written[name] for point in row for name in classes[point]} for row in labelled]
    height = rows * 1.9 + sum(name_height(names) for names in below if names)
    figure = new_figure(width, height, title, READING, layout.note, choice)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for line, row in enumerate(layout.rows):
        for column, point in enumerate(row):
            axes = grid[line, column]
            if point is None:
                axes.set_axis_off()
                continue
            draw_panel(axes, shown[point], numbered[numbered["point"] == point], classes[point], written, most)
            axes.set_title(layout.titles[point], loc="left", pad=4)
            axes.set_ylabel("k*" if column == 0 else "")
            axes.tick_params(axis="x", labelbottom=point in labelled[line])
    figure.legend(handles=legend_handles(numbered, threshold), loc="outside right upper")
    return figure, _numbers(shown, numbered, classes)


def _labelled(layout: Layout, classes: Sequence[Sequence[str]]) -> list[list[int]]:
    """Points of each row with names below: those with nothing, or a panel of other classes, beneath them."""
    nothing: list[int | None] = [None] * len(layout.rows[0])
    return [
        [
            point
            for point, below in zip(row, following, strict=True)
            if point is not None and (below is None or classes[below] != classes[point])
        ]
        for row, following in zip(layout.rows, [*layout.rows[1:], nothing], strict=True)
    ]


def _numbers(
    values: Mapping[int, pd.DataFrame], summary: pd.DataFrame, classes: Sequence[Sequence[str]]
) -> pd.DataFrame:
    tables = []
    for point, samples in values.items():
        groups = samples[samples["class_name"].isin(classes[point])].groupby("class_name", sort=False)["kstar"]
        table = pd.DataFrame({f"q{q}": groups.quantile(q / 100) for q in QUANTILES})
        tables.append(table.reset_index().assign(point=point))
    return summary.merge(pd.concat(tables), on=["point", "class_name"]).drop(columns="point")


def panel_width(classes: int) -> float:
    """Width in inches of a panel with this many violins."""
    return max(0.5 + 0.24 * classes, 1.6)


def _panels_across(classes: int) -> int:
    """How many such panels fit side by side."""
    return 4 if classes <= 12 else 2


def legend_handles(summary: pd.DataFrame, threshold: float) -> list[Line2D | Patch]:
    """Legend entries of the patterns, and of the mean."""
    diamond: dict[str, Any] = {"marker": "D", "markersize": 4, "color": "white", "markeredgecolor": "black"}
    undefined = bool((summary["pattern"] == "Undefined").any())
    patches = pattern_patches(threshold, undefined)
    if (summary["pattern_share"] < CERTAIN).any():
        uncertain = f"hatched: less than {CERTAIN:.0%} of resamples agree"
        patches.append(Patch(facecolor="white", edgecolor="grey", hatch=HATCH, label=uncertain))
    return [*patches, Line2D([], [], linestyle="", label="mean", **diamond)]


def draw_panel(
    axes: Axes,
    samples: pd.DataFrame,
    summary: pd.DataFrame,
    classes: Sequence[str],
    written: Mapping[str, str],
    places: int,
) -> None:
    """Draw the violin of each class that has samples: skewness above, coloured by pattern, hatched if uncertain.

    Below are the names as `written`. There is room for `places` violins, so that they are as wide in all panels.
    """
    rows = {row["class_name"]: row for row in summary.to_dict("records")}
    dots = []
    for position, name in enumerate(classes):
        if name not in rows:
            continue
        row = rows[name]
        values = samples.loc[samples["class_name"] == name, "kstar"].to_numpy()
        colour, text = PATTERN_COLOURS[row["pattern"]], signed(row["skewness"])
        hatch = HATCH if row["pattern_share"] < CERTAIN else None
        dots.append(_draw_violin(axes, position, values, colour, hatch).assign(colour=colour))
        axes.plot(position, row["mean"], "D", markersize=3, color="white", markeredgecolor="black", markeredgewidth=0.6)
        axes.text(position, 1.05, text, rotation=90, ha="center", va="bottom", fontsize=6.5, color=colour)
    if dots:
        every = pd.concat(dots)
        axes.scatter(every["x"], every["y"], s=1.2, c=every["colour"], linewidths=0, rasterized=True)
    names = [written[name] for name in classes]
    axes.set(xlim=(-0.7, places - 0.3), ylim=(-0.02, 1.5), yticks=[0, 0.5, 1])
    axes.set_xticks(range(len(classes)), names, rotation=name_rotation(names))
    axes.spines["left"].set_bounds(0, 1)
    axes.spines["bottom"].set_bounds(-0.7, len(classes) - 0.3)


def _draw_violin(axes: Axes, position: int, values: Array, colour: str, hatch: str | None) -> pd.DataFrame:
    """Draw the outline; return x and y of the dots, one for each of at most 200 samples."""
    constant = values.min() == values.max()
    grid = values[0] + np.array([-0.01, 0, 0.01]) if constant else np.linspace(values.min(), values.max(), 60)
    half = 0.42 * density(values, grid)
    left, right = position - half, position + half
    axes.fill_betweenx(grid, left, right, facecolor=(colour, 0.35), edgecolor=colour, linewidth=0.5, hatch=hatch)
    dots = np.sort(values)[np.linspace(0, len(values) - 1, min(len(values), DOTS)).round().astype(int)]
    aside = np.arange(len(dots)) * 0.6180339887 % 1 - 0.5  # golden ratio: evenly scattered, without randomness
    return pd.DataFrame({"x": position + 1.6 * aside * np.interp(dots, grid, half), "y": dots})


def density(values: Array, grid: Array) -> Array:
    """Kernel estimate of the density of values in [0, 1] at `grid`, largest value 1.

    Gaussian kernels of Scott's width (0.01 at least), reflected at 0 and 1 so that no density lies outside the support.
    """
    support, counts = np.unique(values, return_counts=True)
    width = max(values.std() * len(values) ** -0.2, SMALLEST_BANDWIDTH)
    estimate = np.zeros(len(grid))
    for mirrored in (support, -support, 2 - support):
        estimate += np.exp(-0.5 * ((grid[:, None] - mirrored) / width) ** 2) @ counts
    return np.asarray(estimate / estimate.max())
