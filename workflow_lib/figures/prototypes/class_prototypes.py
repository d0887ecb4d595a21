"""Class prototypes of several networks, or of one during its training, one below the other."""

from collections.abc import Sequence

import matplotlib as mpl
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from workflow_lib.figures.panels import Point, spread
from workflow_lib.figures.prototypes.images import HATCHED, draw_image, open_cells
from workflow_lib.figures.selection import choose_classes, choose_models
from workflow_lib.figures.style import RC, class_names, labels_of, name_height, name_rotation, new_figure, short_names

READING = "Row: a network, and the share of its training done. Column: the class that the image was optimised for."
NUMBERS = ("loss", "confidence", "steps", "converged")
MOST_INTERVALS = 4
PITCH = 1.08
"""From one image to the next; an image is 1."""
INCHES = 0.62


@mpl.rc_context(RC)
def draw(
    stores: Sequence[xr.Dataset], *, points: Sequence[Point], wanted: Sequence[str] | None, title: str
) -> tuple[Figure, pd.DataFrame]:
    """A row for each of at most four intervals of at most four models; images that did not converge are hatched.

    Args:
        stores: prototypes of the networks, as for `prototypes.draw`; a class that a network lacks is left empty.
        points: model, seed, interval and initialisation of each set, a model's intervals in rising order.
        wanted: names of classes; None: all up to twenty, else ten evenly spread ones.
        title: heading of the figure.

    Returns:
        The figure, and a row per image: model, interval, target, loss (nats), confidence (0 to 1), steps, converged.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    rows, fewer_sets = _chosen(points)
    labels = labels_of([str(name) for name in store["target"].values] for store in stores)
    classes, fewer = choose_classes(list(labels), wanted, section="prototypes")
    numbers = pd.concat([_numbers(stores[row], points[row], classes) for row in rows], ignore_index=True)
    names = [class_names(labels)[name] for name in classes]
    models = [str(points[row]["model"]) for row in rows]
    short = dict(zip(dict.fromkeys(models), short_names([*dict.fromkeys(models)]), strict=True))
    sides = [f"{short[m]}, {points[row]['interval']}\N{NO-BREAK SPACE}%" for m, row in zip(models, rows, strict=True)]
    width, height = len(classes) * PITCH, len(rows) * PITCH
    figure = new_figure(
        max(width * INCHES + name_height(sides), 4),
        height * INCHES + name_height(names),
        title,
        READING if numbers["converged"].all() else f"{READING} {HATCHED}",
        fewer_sets,
        fewer,
        f"Seed {points[0]['seed']}, start {points[0]['initialisation']} of each model.",
    )
    axes = figure.subplots()
    open_cells(axes, width, height)
    for at, row in enumerate(rows):
        store = stores[row].load()
        for column, name in enumerate(classes):
            if name in store["target"]:
                own = store.sel(target=name, origin=name)
                draw_image(axes, own["image"].values, column * PITCH, at * PITCH, hatched=not bool(own["converged"]))
    axes.xaxis.tick_top()
    axes.set_xticks([(i + 0.5 / PITCH) * PITCH for i in range(len(classes))], names, rotation=name_rotation(names))
    axes.set_yticks([(i + 0.5 / PITCH) * PITCH for i in range(len(rows))], sides)
    axes.tick_params(length=0)
    return figure, numbers


def _chosen(points: Sequence[Point]) -> tuple[list[int], str]:
    """Positions of the sets that are drawn, and a note on those that are not."""
    table = pd.DataFrame({"model": [p["model"] for p in points], "interval": [p["interval"] for p in points]})
    models, note = choose_models(table)
    own = [[*table.index[table["model"] == model]] for model in models]
    rows = [row for places in own for row in spread(places, MOST_INTERVALS)]
    if len(rows) < sum(map(len, own)):
        note = f"{note} {MOST_INTERVALS} intervals of a model are shown.".strip()
    return rows, note


def _numbers(store: xr.Dataset, point: Point, classes: Sequence[str]) -> pd.DataFrame:
    """The class prototypes of a set as rows."""
    own = [name for name in classes if name in store["target"]]
    values = {name: [store[name].sel(target=k, origin=k).item() for k in own] for name in NUMBERS}
    return pd.DataFrame({"model": point["model"], "interval": point["interval"], "target": own, **values})
