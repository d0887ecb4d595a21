"""Which points of a study get a panel and where, and a note that says so."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import pandas as pd

from workflow_lib.intervals import reading, share
from workflow_lib.points import DIMENSIONS, varying

Point = Mapping[str, Any]
T = TypeVar("T")

MOST_PANELS = 12
MOST_COLUMNS = 4
PREFERENCE = ("interval", "layer", "metric", "transform", "dataset", "model", "split")
"""Dimensions to show side by side, the most wanted first; if a study varies more than two, the others are held."""


@dataclass(frozen=True)
class Layout:
    """Panels in a grid.

    Attributes:
        rows: indices of points, None for an empty place; all rows equally long.
        titles: of each point, written above its panel.
        note: what the points have in common, and which are left out.
    """

    rows: list[list[int | None]]
    titles: list[str]
    note: str

    @property
    def drawn(self) -> list[int]:
        """Indices of the points that have a panel, row by row."""
        return [index for row in self.rows for index in row if index is not None]


def spread(values: Sequence[T], count: int) -> list[T]:
    """At most `count` values, evenly spread, including the first and the last."""
    if len(values) <= count:
        return list(values)
    if count == 1:
        return [values[-1]]
    return [values[round(i * (len(values) - 1) / (count - 1))] for i in range(count)]


def arrange(points: Sequence[Point], most: int = MOST_PANELS, across: int = MOST_COLUMNS) -> Layout:
    """Place the points of a study: at most `most` panels, at most `across` side by side.

    Two varied dimensions span a grid, with intervals from left to right; a single one is laid out in reading order.
    Any further dimension is held at its last value, and only the first seed is shown. Too many values are thinned
    evenly. Points that do not fill a grid are laid out in reading order.
    """
    chosen, held = _hold(points)
    cells = _grid(chosen, most, across)
    if not cells or any(index is None for row in cells for index in row):
        cells = _wrap(spread(list(chosen), most), across)
    dimensions = varying(chosen.values())
    titles = [
        ", ".join(describe(d, point[d], [reading(point)]) for d in dimensions) or describe("model", point["model"])
        for point in points
    ]
    shown = [index for row in cells for index in row if index is not None]
    notes = [constants(points), held, _left_out(chosen, shown, dimensions)]
    return Layout(cells, titles, " ".join(filter(None, notes)))


def describe(dimension: str, value: object, of: Collection[str] = ("epochs",)) -> str:
    """A value with the name of its dimension, for titles of panels; `of` says what intervals are shares of."""
    if dimension == "model":
        return str(value)
    return share(value, of) if dimension == "interval" else f"{dimension} {value}"


def constants(points: Sequence[Point]) -> str:
    """What all points have in common, as a sentence for the note of a figure."""
    of = _readings(points)
    common = [describe(d, points[0][d], of) for d in DIMENSIONS if len({point[d] for point in points}) == 1]
    return f"All: {', '.join(common)}." if common else ""


def number_points(table: pd.DataFrame, points: Sequence[Point]) -> pd.DataFrame:
    """Rows of `table` that belong to `points`, with the index of the point in a column `point`."""
    numbered = pd.DataFrame(list(points), columns=list(DIMENSIONS)).assign(point=range(len(points)))
    return numbered.merge(table, on=list(DIMENSIONS))


def _readings(points: Iterable[Point]) -> list[str]:
    """What the intervals of points are shares of."""
    return sorted({reading(point) for point in points}, reverse=True)


def _values(points: Mapping[int, Point], dimension: str) -> list[Any]:
    return list(dict.fromkeys(point[dimension] for point in points.values()))


def _hold(points: Sequence[Point]) -> tuple[dict[int, Point], str]:
    """Points by index, one seed each, that differ in at most two dimensions; and a sentence on the held ones."""
    first: dict[tuple[Any, ...], int] = {}
    for index, point in enumerate(points):
        first.setdefault(tuple(point[d] for d in DIMENSIONS if d != "seed"), index)
    chosen, held = {index: points[index] for index in first.values()}, []
    varied = varying(chosen.values())
    for dimension in [d for d in PREFERENCE if d in varied][2:]:
        value = _values(chosen, dimension)[-1]
        chosen = {index: point for index, point in chosen.items() if point[dimension] == value}
        held.append(describe(dimension, value, _readings(chosen.values())))
    return chosen, f"Shown for {', '.join(held)} only." if held else ""


def _grid(points: Mapping[int, Point], most: int, across: int) -> list[list[int | None]]:
    """Rows of the grid of two varied dimensions; [] if fewer than two vary, or there is only one column."""
    varied = [d for d in PREFERENCE if d in varying(points.values())]
    if len(varied) < 2 or across < 2:
        return []
    if varied[0] != "interval":
        varied.sort(key=lambda d: len(_values(points, d)))
    columns = spread(_values(points, varied[0]), across)
    lines = spread(_values(points, varied[1]), most // len(columns))
    places = {(point[varied[0]], point[varied[1]]): index for index, point in points.items()}
    return [[places.get((column, line)) for column in columns] for line in lines]


def _wrap(indices: Sequence[int], across: int) -> list[list[int | None]]:
    """Rows of equal length in reading order; the last one is filled up with None."""
    lines = math.ceil(len(indices) / across)
    across = math.ceil(len(indices) / lines)
    padded: list[int | None] = [*indices, *[None] * (lines * across - len(indices))]
    return [padded[i : i + across] for i in range(0, len(padded), across)]


def _left_out(points: Mapping[int, Point], shown: Sequence[int], dimensions: Sequence[str]) -> str:
    if len(shown) == len(points):
        return ""
    kept = {index: points[index] for index in shown}
    parts = [
        f"{dimension} {', '.join(map(str, _values(kept, dimension)))} of {len(_values(points, dimension))}"
        for dimension in dimensions
        if len(_values(kept, dimension)) < len(_values(points, dimension))
    ]
    return f"{len(shown)} of {len(points)} panels are shown ({'; '.join(parts)})."
