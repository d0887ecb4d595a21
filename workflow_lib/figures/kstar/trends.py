"""How k* and accuracy change along a dimension of a study, such as training, layers or metrics."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from workflow_lib.figures.axes import TOUCHING, TRAINING, thin_out
from workflow_lib.figures.kstar.classes import choose_by_skewness, written_names
from workflow_lib.figures.panels import PREFERENCE, constants, describe, spread
from workflow_lib.figures.style import PATTERN_COLOURS, RC, class_styles, new_figure, pattern_patches, short_names
from workflow_lib.points import DIMENSIONS, varying

MEASURES = {"mean": "mean k*", "skewness": "skewness of k*", "accuracy": "accuracy"}
MOST_COLUMNS = 4
READING = "Thin lines: classes (mean over seeds). Bold: mean over all classes. k* is not an accuracy."
BAND = "Band: lowest to highest seed."


@mpl.rc_context(RC)
def draw(
    table: pd.DataFrame, *, wanted: Sequence[str] | None, threshold: float, title: str
) -> tuple[Figure, pd.DataFrame]:
    """Rows of panels for mean, skewness and (if known) accuracy; a column for each value of a second dimension.

    Args:
        table: from `class_table`, a row per point and class, of a study that varies at least one dimension.
        wanted: names of the classes that get a colour and a legend entry; the others are grey. None: all up to twenty.
        threshold: skewness beyond which a class is fractured or clustered, for the tinted ranges.
        title: heading of the figure.

    Returns:
        The figure, and its numbers as `trend_numbers` returns them.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    numbers, held = trend_numbers(table)
    coloured, left_out = choose_by_skewness(table, wanted)
    if wanted is None and left_out:
        coloured = []
    along, beside = numbers.attrs["along"], numbers.attrs["beside"]
    columns = list(dict.fromkeys(numbers[beside])) if beside else [None]
    measures = [m for m in MEASURES if numbers.loc[numbers["measure"] == m, "value"].notna().any()]
    places = list(dict.fromkeys(numbers[along]))
    texts = [str(place) for place in places] if along == "interval" else short_names([str(place) for place in places])
    width = max(2.6, 0.3 * len(places)) * len(columns) + 2.1
    several = numbers["seeds"].max() > 1
    height = 1.7 * len(measures) + 0.09 * max(map(len, texts)) + 0.3
    figure = new_figure(width, height, title, READING, BAND if several else "", constants(_points(table)), held)
    grid = figure.subplots(len(measures), len(columns), sharex=True, sharey="row", squeeze=False)
    for row, measure in enumerate(measures):
        for column, value in enumerate(columns):
            axes = grid[row, column]
            part = numbers[(numbers["measure"] == measure) & ((numbers[beside] == value) if beside else True)]
            _draw_lines(axes, part, along, places, coloured)
            axes.set_ylabel(MEASURES[measure] if column == 0 else "")
            if row == 0 and beside:
                axes.set_title(describe(beside, value), loc="left")
        if measure == "skewness":
            _tint_patterns(grid[row], threshold)
        else:
            low, high = grid[row, 0].get_ylim()
            grid[row, 0].set_ylim(max(low, -0.03), min(high, 1.03))
    for axes in grid[-1]:
        _label_places(axes, along, places, texts)
    figure.legend(
        handles=_legend([written_names(table)[name] for name in coloured], several, threshold),
        loc="outside right upper",
    )
    return figure, numbers


def trend_numbers(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Numbers behind the figure, and a note on what is held and left out.

    The horizontal axis is the interval, or else the dimension with most values; the next one goes into columns.

    Args:
        table: from `class_table`, a row per point and class, of a study that varies at least one dimension.

    Returns:
        Rows per measure (mean, skewness, accuracy), value of the dimensions drawn, and class: value (mean over
        seeds), lowest and highest (of the seeds), seeds (number of them). class_name "" is the mean over all
        classes; its lowest and highest are those of the seeds' means. NaN: not defined or not known. `attrs` names
        the dimensions `along` (horizontal axis) and `beside` (columns of panels, or None).
    """
    along, beside, held, note = _choose(table)
    drawn = [d for d in (along, beside) if d]
    long = held.melt([*drawn, "seed", "class_name"], list(MEASURES), "measure")
    overall = (
        long.groupby([*drawn, "seed", "measure"], sort=False, as_index=False)["value"].mean().assign(class_name="")
    )
    keys = ["measure", *drawn, "class_name"]
    groups = pd.concat([long, overall]).groupby(keys, sort=False, as_index=False)
    numbers = groups.agg(
        value=("value", "mean"), lowest=("value", "min"), highest=("value", "max"), seeds=("seed", "nunique")
    )
    numbers.attrs.update(along=along, beside=beside)
    return numbers, note


def _points(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The points of which a table has rows."""
    return [dict(zip(DIMENSIONS, row, strict=True)) for row in table[list(DIMENSIONS)].drop_duplicates().to_numpy()]


def _choose(table: pd.DataFrame) -> tuple[str, str | None, pd.DataFrame, str]:
    """Dimension of the horizontal axis, dimension of the columns of panels, rows to draw, and the note."""
    several = varying(_points(table))
    varied = sorted([d for d in PREFERENCE if d in several], key=lambda d: -table[d].nunique())
    varied.sort(key=lambda d: d != "interval")
    along, beside = (*varied, None, None)[:2]
    held, notes = table, []
    for dimension in varied[2:]:
        value = list(dict.fromkeys(table[dimension]))[-1]
        held = held[held[dimension] == value]
        notes.append(f"Shown for {describe(dimension, value)} only.")
    if beside:
        values = list(dict.fromkeys(held[beside]))
        shown = spread(values, MOST_COLUMNS)
        held = held[held[beside].isin(shown)]
        notes += [f"{len(shown)} of {len(values)} values of {beside} are shown."] if len(shown) < len(values) else []
    return along or "interval", beside, held, " ".join(notes)


def _draw_lines(axes: Axes, part: pd.DataFrame, along: str, places: Sequence[object], coloured: Sequence[str]) -> None:
    styles = dict(zip(coloured, _line_styles(len(coloured)), strict=True))
    for name, line in part[part["class_name"] != ""].groupby("class_name", sort=False):
        x = _positions(line[along], places)
        style = styles.get(str(name), {"color": "#b0b0b0", "alpha": 0.5})
        axes.plot(x, line["value"], linewidth=0.8, marker=".", markersize=2.5, **style)
    mean = part[part["class_name"] == ""]
    x = _positions(mean[along], places)
    axes.fill_between(x, mean["lowest"], mean["highest"], color="black", alpha=0.15, linewidth=0)
    axes.plot(x, mean["value"], color="black", linewidth=2, marker="o", markersize=3.5)


def _line_styles(count: int) -> list[dict[str, Any]]:
    """Colour and dashes of the lines of `count` classes; equal colours differ in their dashes."""
    return [{"color": c, "linestyle": "-" if m == "o" else "--"} for c, m in class_styles(count)]


def _positions(values: pd.Series, places: Sequence[object]) -> npt.NDArray[np.float64]:
    """Intervals at their percentage; values of other dimensions at equal distances."""
    if values.name == "interval":
        return values.to_numpy(dtype=float)
    return np.array([places.index(value) for value in values], dtype=float)


def _tint_patterns(row: Iterable[Axes], threshold: float) -> None:
    """Tint the ranges of the patterns in panels that share their vertical axis."""
    panels = list(row)
    low, high = panels[0].get_ylim()
    low, high = min(low, -1.2 * threshold), max(high, 1.2 * threshold)
    ranges = {"Fractured": (threshold, high), "Overlapped": (-threshold, threshold), "Clustered": (low, -threshold)}
    for axes in panels:
        for pattern, (bottom, top) in ranges.items():
            axes.axhspan(bottom, top, color=PATTERN_COLOURS[pattern], alpha=0.1, linewidth=0, zorder=0)
        for value in (-threshold, threshold):
            axes.axhline(value, color="#404040", linewidth=0.6, linestyle="--", zorder=1)
        axes.set_ylim(low, high)


def _label_places(axes: Axes, along: str, places: Sequence[object], texts: Sequence[str]) -> None:
    ticks = _positions(pd.Series(list(places), name=along), places)
    axes.set_xticks(ticks, thin_out(list(ticks), texts), rotation=90)
    axes.set_xlabel(TRAINING if along == "interval" else along)
    if len(places) > 1:
        space = TOUCHING * (ticks.max() - ticks.min())
        axes.set_xlim(ticks.min() - space, ticks.max() + space)


def _legend(names: Sequence[str], several: bool, threshold: float) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [Line2D([], [], color="black", linewidth=2, label="mean over classes")]
    if several:
        handles.append(Patch(color="black", alpha=0.15, label="range over seeds"))
    for patch in pattern_patches(threshold):
        patch.set_alpha(0.25)
        handles.append(patch)
    styles = _line_styles(len(names))
    return handles + [Line2D([], [], label=name, **style) for name, style in zip(names, styles, strict=True)]
