"""How k* and accuracy change along a dimension of a study, such as training, layers or metrics.

Values are joined by lines only if they have an order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from workflow_lib import intervals
from workflow_lib.figures.axes import TOUCHING, thin_out
from workflow_lib.figures.kstar.classes import choose_by_skewness, written_names
from workflow_lib.figures.panels import PREFERENCE, constants, describe, spread
from workflow_lib.figures.style import PATTERN_COLOURS, RC, class_styles, new_figure, pattern_patches, short_names
from workflow_lib.points import DIMENSIONS, varying

MEASURES = {"mean": "mean k*", "skewness": "skewness of k*", "accuracy": "accuracy"}
MOST_COLUMNS = 4
ORDERED = ("interval", "layer")
"""Dimensions whose values have an order, layers that of the config; so have transforms with strengths."""
WIDTH = 0.6
"""Share of the distance between two unordered values over which the dots of the classes are spread."""
LINES = "Thin lines: classes (mean over seeds). Bold: mean over all classes. k* is not an accuracy."
DOTS = "Small dots: classes (mean over seeds). Large: mean over all classes. k* is not an accuracy."
OTHER: dict[str, Any] = {"color": "#b0b0b0", "alpha": 0.5, "marker": ".", "markersize": 2.5}
"""Look of classes without a colour of their own."""
BAND = "Band: lowest to highest seed."


@mpl.rc_context(RC)
def draw(
    table: pd.DataFrame, *, wanted: Sequence[str] | None, threshold: float, scale: str | None = None, title: str
) -> tuple[Figure, pd.DataFrame]:
    """Rows of panels for mean, skewness and (if known) accuracy; a column for each value of a second dimension.

    Args:
        table: from `class_table`, a row per point and class, of a study that varies at least one dimension.
        wanted: names of the classes that get a colour and a legend entry; the others are grey. None: all up to twenty.
        threshold: skewness beyond which a class is fractured or clustered, for the tinted ranges.
        scale: what the strengths of all transforms measure; None if they measure different things.
        title: heading of the figure.

    Returns:
        The figure, and its numbers as `trend_numbers` returns them.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    numbers, held = trend_numbers(table if scale else table.drop(columns="strength", errors="ignore"))
    coloured, left_out = choose_by_skewness(table, wanted)
    if wanted is None and left_out:
        coloured = []
    along, beside, numeric = (numbers.attrs[key] for key in ("along", "beside", "scale"))
    columns = list(dict.fromkeys(numbers[beside])) if beside else [None]
    measures = [m for m in MEASURES if numbers.loc[numbers["measure"] == m, "value"].notna().any()]
    axis = _Axis(along, numeric, list(dict.fromkeys(numbers[numeric or along])))
    places = axis.places
    width = max(2.6, 0.3 * len(places)) * len(columns) + 2.1
    several = numbers["seeds"].max() > 1
    height = 1.7 * len(measures) + 0.09 * max(map(len, axis.texts)) + 0.3
    band = BAND if several else ""
    figure = new_figure(width, height, title, LINES if axis.ordered else DOTS, band, constants(_points(table)), held)
    grid = figure.subplots(len(measures), len(columns), sharex=True, sharey="row", squeeze=False)
    for row, measure in enumerate(measures):
        for column, value in enumerate(columns):
            axes = grid[row, column]
            part = numbers[(numbers["measure"] == measure) & ((numbers[beside] == value) if beside else True)]
            _draw_lines(axes, part, axis, coloured)
            axes.set_ylabel(MEASURES[measure] if column == 0 else "")
            if row == 0 and beside:
                axes.set_title(describe(beside, value), loc="left")
        if measure == "skewness":
            _tint_patterns(grid[row], threshold)
        else:
            low, high = grid[row, 0].get_ylim()
            grid[row, 0].set_ylim(max(low, -0.03), min(high, 1.03))
    for axes in grid[-1]:
        _label_places(axes, axis, {"interval": intervals.axis(table), "strength": f"strength of {scale}"})
    figure.legend(
        handles=_legend([written_names(table)[name] for name in coloured], several, threshold, axis.ordered),
        loc="outside right upper",
    )
    return figure, numbers


def trend_numbers(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Numbers behind the figure, and a note on what is held and left out.

    The horizontal axis is the interval, or else the dimension with most values; the next one goes into columns.

    Args:
        table: from `class_table`, a row per point and class, of a study that varies at least one dimension. With a
            column `strength` that tells all transforms apart, transforms are placed by it.

    Returns:
        Rows per measure (mean, skewness, accuracy), value of the dimensions drawn, and class: value (mean over
        seeds), lowest and highest (of the seeds), seeds (number of them). class_name "" is the mean over all
        classes; its lowest and highest are those of the seeds' means. NaN: not defined or not known. `attrs` names
        the dimensions `along` (horizontal axis) and `beside` (columns of panels, or None), and the column `scale` with
        the numbers of the horizontal axis (None: values at equal distances).
    """
    along, beside, held, note = _choose(table)
    scale = _scale(held, along)
    if scale:
        held = held.sort_values(scale, kind="stable")
    drawn = list(dict.fromkeys(filter(None, (along, scale, beside))))
    long = held.melt([*drawn, "seed", "class_name"], list(MEASURES), "measure")
    overall = (
        long.groupby([*drawn, "seed", "measure"], sort=False, as_index=False)["value"].mean().assign(class_name="")
    )
    keys = ["measure", *drawn, "class_name"]
    groups = pd.concat([long, overall]).groupby(keys, sort=False, as_index=False)
    numbers = groups.agg(
        value=("value", "mean"), lowest=("value", "min"), highest=("value", "max"), seeds=("seed", "nunique")
    )
    numbers.attrs.update(along=along, beside=beside, scale=scale)
    return numbers, note


def _points(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The points of which a table has rows."""
    columns = [column for column in (*DIMENSIONS, intervals.INTERVALS_OF) if column in table]
    return [dict(zip(columns, row, strict=True)) for row in table[columns].drop_duplicates().to_numpy()]


def _scale(table: pd.DataFrame, along: str) -> str | None:
    """Column with the numbers of the horizontal axis: the interval itself, or strengths that differ by transform."""
    if along != "transform" or "strength" not in table:
        return along if along == "interval" else None
    strengths = table[["transform", "strength"]].drop_duplicates()
    each = strengths["strength"].notna().all() and strengths["strength"].is_unique and strengths["transform"].is_unique
    return "strength" if each else None


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


@dataclass(frozen=True)
class _Axis:
    """The horizontal axis: the dimension, the column of its numbers (None: equal distances), and its values."""

    along: str
    scale: str | None
    places: Sequence[Any]

    @property
    def ordered(self) -> bool:
        """Whether the values have an order, so that lines may join them."""
        return self.scale is not None or self.along in ORDERED

    @property
    def texts(self) -> list[str]:
        """The values as written below the axis."""
        return [f"{place:g}" for place in self.places] if self.scale else short_names(list(map(str, self.places)))

    @property
    def ticks(self) -> npt.NDArray[np.float64]:
        """Where the values are."""
        return np.array(self.places if self.scale else range(len(self.places)), dtype=float)

    def positions(self, part: pd.DataFrame) -> npt.NDArray[np.float64]:
        """Where the rows of `part` are."""
        place = dict(zip(self.places, self.ticks, strict=True))
        return np.array([place[value] for value in part[self.scale or self.along]])


def _draw_lines(axes: Axes, part: pd.DataFrame, axis: _Axis, coloured: Sequence[str]) -> None:
    styles = dict(zip(coloured, _line_styles(len(coloured), axis.ordered), strict=True))
    classes = part[part["class_name"] != ""]
    beside = classes.groupby(axis.along, sort=False)["class_name"]  # a place may have classes of its own
    shifts = WIDTH * ((beside.cumcount() + 1) / (beside.transform("size") + 1) - 0.5) * (not axis.ordered)
    for name, line in classes.groupby("class_name", sort=False):
        style = styles.get(str(name), OTHER if axis.ordered else OTHER | {"linestyle": ""})
        axes.plot(axis.positions(line) + shifts[line.index], line["value"], linewidth=0.8, **style)
    mean = part[part["class_name"] == ""]
    x = axis.positions(mean)
    if axis.ordered:
        axes.fill_between(x, mean["lowest"], mean["highest"], color="black", alpha=0.15, linewidth=0)
    else:
        axes.vlines(x, mean["lowest"], mean["highest"], color="black", alpha=0.15, linewidth=6)
    axes.plot(
        x, mean["value"], color="black", linewidth=2, linestyle="-" if axis.ordered else "", marker="o", markersize=3.5
    )


def _line_styles(count: int, ordered: bool) -> list[dict[str, Any]]:
    """Look of `count` classes; equal colours differ in their dashes, or where there are no lines in their markers."""
    if ordered:
        lines = [{"color": c, "linestyle": "-" if m == "o" else "--"} for c, m in class_styles(count)]
        return [{**line, "marker": ".", "markersize": 2.5} for line in lines]
    return [{"color": c, "linestyle": "", "marker": m, "markersize": 3} for c, m in class_styles(count)]


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


def _label_places(axes: Axes, axis: _Axis, labels: Mapping[str, str]) -> None:
    axes.set_xticks(axis.ticks, thin_out(list(axis.ticks), axis.texts) if axis.scale else axis.texts, rotation=90)
    axes.set_xlabel(labels.get(axis.scale or "", axis.along))
    if len(axis.places) > 1:
        first, last = axis.ticks.min(), axis.ticks.max()
        space = TOUCHING * (last - first) if axis.ordered else WIDTH
        axes.set_xlim(first - space, last + space)


def _legend(names: Sequence[str], several: bool, threshold: float, ordered: bool) -> list[Line2D | Patch]:
    mean = {"linewidth": 2} if ordered else {"linestyle": "", "marker": "o", "markersize": 3.5}
    handles: list[Line2D | Patch] = [Line2D([], [], color="black", label="mean over classes", **mean)]
    if several:
        handles.append(Patch(color="black", alpha=0.15, label="range over seeds"))
    for patch in pattern_patches(threshold):
        patch.set_alpha(0.25)
        handles.append(patch)
    styles = _line_styles(len(names), ordered)
    return handles + [Line2D([], [], label=name, **style) for name, style in zip(names, styles, strict=True)]
