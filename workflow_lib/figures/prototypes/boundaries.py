"""Boundary images between the prototypes of two classes, and how the boundary moves during training."""

from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.lines import Line2D

from workflow_lib.figures.axes import label_intervals, say
from workflow_lib.figures.panels import Point, spread
from workflow_lib.figures.prototypes.images import HATCHED, describe_set, draw_image, open_cells
from workflow_lib.figures.prototypes.tensors import images_counted
from workflow_lib.figures.selection import choose_classes, choose_models
from workflow_lib.figures.style import RC, TEN_COLOURS, class_names, labels_of, new_figure, short_names
from workflow_lib.intervals import axis

READING = (
    "Boundary image: the network gives both classes the same logit. One is searched for on the straight line between "
    "the two class prototypes, one on the path of descent from the origin to the intermediary. Below each: share of "
    "the route from the origin, and dissimilarity to both prototypes."
)
NONE = "None: no image with equal logits was found."
BANDS = "Panels: means over all pairs at each interval; bands: ± standard deviation over the pairs."
RELATIONS: dict[str, dict[str, Any]] = {
    "same_origin": {"linestyle": "-", "marker": "o"},
    "same_target": {"linestyle": "--", "marker": "s"},
    "both_directions": {"linestyle": ":", "marker": "^"},
}
"""How the dissimilarity of boundary images is drawn, by their relation."""
ROUTES = {"line": "straight line", "path": "path of descent"}
COLOURS = {"line": TEN_COLOURS[4], "path": TEN_COLOURS[5]}
MARKERS = {"line": "o", "path": "s"}
HEADINGS = ("origin", "on the line", "on the path", "intermediary", "target")
ROWS = 6
CELL = (1.14, 1.58)
"""From one image to the next, to the right and down, with room for the text; an image is 1."""
INCHES = 0.86

BETWEEN = ["model", "interval", "route", "relation"]

Pair = tuple[str, str]
"""Origin and target."""


@mpl.rc_context(RC)
def draw(
    images: xr.Dataset,
    prototypes: xr.Dataset,
    table: pd.DataFrame,
    intervals: pd.DataFrame,
    between: pd.DataFrame,
    *,
    point: Point,
    wanted: Sequence[str] | None,
    unconverged: str,
    title: str,
) -> tuple[Figure, pd.DataFrame]:
    """On the left, a row of images for each of at most six pairs of classes; on the right, panels over the intervals.

    Args:
        images: boundary images of one network: coords route (line, path), target and origin (names); image (route,
            target, origin, channel, y, x) in [0, 1], NaN if none was found.
        prototypes: of the same network: image and converged by (target, origin).
        table: a row per set (model, seed, interval, initialisation), route, origin and target: found, share,
            difference, dissimilarity_to_origin, dissimilarity_to_target.
        intervals: a row per model, interval and route: mean and std of share, to_origin and to_target, found (share of
            the pairs), n.
        between: a row per set, route and relation: mean dissimilarity of boundary images to one another.
        point: model, seed, interval and initialisation of the set.
        wanted: names of classes, each paired with the next one; None: six, evenly spread.
        unconverged: "leave_out" or "keep", the setting that `intervals` was made with.
        title: heading of the figure.

    Returns:
        The figure, and what it shows: rows of `table` (part "images") and of `intervals` (part "training", `found` as
        `found_share`), and means of `between` over the sets (part "between").

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    images = images.transpose("route", "target", "origin", ...)
    known = [str(name) for name in prototypes["target"].values]
    pairs = _pairs(choose_classes(known, wanted, section="prototypes")[0])
    models, choice = choose_models(intervals)
    training = intervals[intervals["model"].isin(models)].reset_index(drop=True)
    over_sets = between[between["model"].isin(models)].groupby(BETWEEN, sort=False)["mean"].mean().reset_index()
    own = table[(table[list(point)] == pd.Series(point)).all(axis="columns")]
    rows = pd.DataFrame(pairs, columns=["origin", "target"]).merge(own, on=["origin", "target"])
    none = "" if rows["found"].astype(bool).all() else NONE
    hatched = "" if prototypes["converged"].values.all() else HATCHED
    count = max(len(known) * (len(known) - 1), 1)
    left_out = "" if len(pairs) in (0, count) else f"{len(pairs)} of {count} ordered pairs are shown."
    width, height = len(HEADINGS) * CELL[0], max(len(pairs), 1) * CELL[1]
    left = width * INCHES + 0.3
    figure = new_figure(
        left + 2.5 * len(models) + 2.1,
        max(height * INCHES + 0.6, 6.0),
        title,
        READING,
        none,
        hatched,
        left_out,
        BANDS,
        images_counted(unconverged),
        choice,
        describe_set(point),
    )
    grid = figure.add_gridspec(4, 1 + len(models), width_ratios=[left, *[2.5] * len(models)])
    cells = figure.add_subplot(grid[:, 0])
    open_cells(cells, width, height)
    cells.set_anchor("NW")
    _draw_pairs(cells, images, prototypes, rows, pairs, known)
    _draw_training(figure, grid, training, over_sets, models)
    figure.legend(handles=_legend(), loc="outside right upper")
    means = training.rename(columns={"found": "found_share"}).assign(part="training")
    parts = [rows.assign(part="images"), means, over_sets.assign(part="between")]
    return figure, pd.concat(parts, ignore_index=True)


def _pairs(classes: Sequence[str]) -> list[Pair]:
    """Each of at most six classes with the next one, the last with the first: each is once origin and once target."""
    chosen = spread(classes, ROWS)
    return [] if len(chosen) < 2 else list(zip(chosen, [*chosen[1:], chosen[0]], strict=True))


def _draw_pairs(
    axes: Axes,
    images: xr.Dataset,
    prototypes: xr.Dataset,
    rows: pd.DataFrame,
    pairs: Sequence[Pair],
    known: Sequence[str],
) -> None:
    if not pairs:
        say(axes, "one class: no pairs")
    routes = [str(route) for route in images["route"].values]
    names = class_names(labels_of([known]))
    for row, (origin, target) in enumerate(pairs):
        j, k = known.index(origin), known.index(target)
        top = row * CELL[1]
        for column, (a, b) in {0: (j, j), 3: (k, j), 4: (k, k)}.items():
            missed = not bool(prototypes["converged"].values[a, b])
            image = prototypes["image"][a, b].values
            draw_image(axes, image, column * CELL[0], top, framed=a == b, hatched=missed)
        for column, route in enumerate(ROUTES, start=1):
            draw_image(axes, images["image"][routes.index(route), k, j].values, column * CELL[0], top)
            own = rows[(rows["origin"] == origin) & (rows["target"] == target) & (rows["route"] == route)]
            _write(axes, own, column * CELL[0] + 0.5, top + 1.03)
        for column, name in ((0, origin), (4, target)):
            axes.text(column * CELL[0] + 0.5, top + 1.05, names[name], ha="center", va="top", fontsize=6.5)
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(len(HEADINGS)) * CELL[0] + 0.5, HEADINGS)
    axes.tick_params(length=0)


def _write(axes: Axes, own: pd.DataFrame, x: float, y: float) -> None:
    """Write share and dissimilarities below a boundary image that was found."""
    for found in own[own["found"].astype(bool)].itertuples():
        text = (
            f"share {found.share:.2f}\nto origin {found.dissimilarity_to_origin:.2f}\n"
            f"to target {found.dissimilarity_to_target:.2f}"
        )
        axes.text(x, y, text, ha="center", va="top", fontsize=6, linespacing=1.15)


def _draw_training(
    figure: Figure, grid: GridSpec, training: pd.DataFrame, between: pd.DataFrame, models: Sequence[str]
) -> None:
    """Share of the route, dissimilarity to both ends and to one another, share of pairs found: a column per model."""
    panels = np.array([[figure.add_subplot(grid[row, 1 + i]) for i in range(len(models))] for row in range(4)])
    for i, (model, name) in enumerate(zip(models, short_names(models), strict=True)):
        own = training[training["model"] == model]
        for route, colour in COLOURS.items():
            line = own[own["route"] == route].sort_values("interval")
            plain: dict[str, Any] = {"color": colour, "markersize": 2.5, "linewidth": 1.2}
            hollow = {"linestyle": "--", "markerfacecolor": "white"}
            for row, number, style in ((0, "share", {}), (1, "to_origin", {}), (1, "to_target", hollow)):
                x, mean, std = line["interval"], line[f"{number}_mean"], line[f"{number}_std"]
                panels[row, i].fill_between(x, mean - std, mean + std, color=colour, alpha=0.12, linewidth=0)
                panels[row, i].plot(x, mean, **plain, marker=MARKERS[route], **style)
            pairs = between[(between["model"] == model) & (between["route"] == route)]
            for relation, style in RELATIONS.items():
                means = pairs[pairs["relation"] == relation].sort_values("interval")
                panels[2, i].plot(means["interval"], means["mean"], **plain, **style)
            panels[3, i].plot(line["interval"], 100 * line["found"], **plain, marker=MARKERS[route])
        for axes in panels[:, i]:
            label_intervals(axes, own["interval"])
        for axes in panels[:3, i]:
            axes.tick_params(labelbottom=False)
            if own["share_mean"].isna().all():
                say(axes, "none found")
        panels[0, i].set_title(name, loc="left")
        panels[3, i].set_xlabel(axis(own))
    if not models:
        return
    ends = max((training[f"{end}_mean"] + training[f"{end}_std"]).max() for end in ("to_origin", "to_target"))
    tops = [1.03, *(1.1 * most if most > 0 else 1 for most in (ends, between["mean"].max())), 104]
    texts = ("share of the route", "dissimilarity\nto both ends", "dissimilarity\nto one another", "pairs found (%)")
    for row, top, text in zip(panels, tops, texts, strict=True):
        row[0].set_ylabel(text)
        for axes in row:
            axes.set_ylim(0, top)


def _legend() -> list[Line2D]:
    grey: dict[str, Any] = {"color": "#404040", "marker": "o", "markersize": 3}
    return [
        *(
            Line2D([], [], color=colour, marker=MARKERS[route], markersize=3, label=ROUTES[route])
            for route, colour in COLOURS.items()
        ),
        Line2D([], [], **grey, label="to the origin"),
        Line2D([], [], **grey, linestyle="--", markerfacecolor="white", label="to the target"),
        *(
            Line2D([], [], **grey | style, label=f"to one another, {relation.replace('_', ' ')}")
            for relation, style in RELATIONS.items()
        ),
    ]
