"""Heat maps of the mean dissimilarity by pair of classes, for C and R."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from workflow_lib.figures.axes import NO_ENTRIES, nothing, say
from workflow_lib.figures.cells import label_classes, side_of, write_numbers
from workflow_lib.figures.panels import describe
from workflow_lib.figures.prototypes.tensors import images_counted
from workflow_lib.figures.selection import choose_classes, choose_panels
from workflow_lib.figures.style import RC, class_names, labels_of, name_height, new_figure

Array = npt.NDArray[np.float64]

READING = (
    "C: mean over origins. R: mean over targets. High: the two classes are far apart. "
    "Each tensor has its own range of colours."
)
HEADINGS = {"C": "C by pair of targets", "R": "R by pair of origins"}
COLOURS = "Blues"


@mpl.rc_context(RC)
def draw(
    table: pd.DataFrame, *, wanted: Sequence[str] | None, unconverged: str, title: str
) -> tuple[Figure, pd.DataFrame]:
    """C on the left, R on the right, a row for each of at most four models or layers, at the last interval.

    Args:
        table: a row per model, interval, layer, tensor (C, R) and ordered pair of classes: class_a, class_b, mean;
            classes in their order. The diagonal is never drawn.
        wanted: names of classes; None: all.
        unconverged: "leave_out" or "keep".
        title: heading of the figure.

    Returns:
        The figure, and the rows that it shows.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    if table.empty:
        return nothing(title, "no pairs of classes"), table
    written = class_names(labels_of(own["class_a"] for _, own in table.groupby("model", sort=False)))
    chosen, fewer = choose_classes(list(written), wanted, section="prototypes", most=len(written))
    last = table["interval"] == table.groupby("model")["interval"].transform("max")
    panels, numbers, choice = choose_panels(table[last])
    pairs = numbers["class_a"].isin(chosen) & numbers["class_b"].isin(chosen)
    numbers = numbers[pairs & (numbers["class_a"] != numbers["class_b"])].reset_index(drop=True)
    own = {name: _classes(part, chosen) for name, part in panels.items()}
    count = max(map(len, own.values()))
    side, margin = side_of(count), name_height([written[name] for name in chosen])
    figure = new_figure(
        2 * (side + margin + 0.75),
        len(panels) * (side + margin + 0.35),
        title,
        READING,
        images_counted(unconverged),
        fewer,
        choice,
    )
    grid = figure.subplots(len(panels), 2, squeeze=False)
    for column, (tensor, heading) in enumerate(HEADINGS.items()):
        ranges = Normalize(*_range(numbers.loc[numbers["tensor"] == tensor, "mean"]))
        for axes, (name, part) in zip(grid[:, column], panels.items(), strict=True):
            means = part[(part["tensor"] == tensor) & (part["class_a"] != part["class_b"])]
            matrix = means.pivot(index="class_a", columns="class_b", values="mean").reindex(
                own[name], columns=own[name]
            )
            _draw_panel(axes, matrix.to_numpy(dtype=float), ranges)
            label_classes(axes, [written[class_name] for class_name in own[name]])
            when = describe("interval", int(part["interval"].max()))
            axes.set_title(f"{heading}\n{name}, {when}", loc="left")
        figure.colorbar(
            ScalarMappable(ranges, COLOURS), ax=grid[:, column], label="mean dissimilarity", shrink=0.7, aspect=25
        )
    return figure, numbers


def _classes(table: pd.DataFrame, wanted: Sequence[str]) -> list[str]:
    """The classes in `wanted` that a model has."""
    own = set(table["class_a"])
    return [name for name in wanted if name in own]


def _range(values: pd.Series) -> tuple[float, float]:
    """Ends of the colours: the smallest and the largest value, widened a little if they are equal."""
    low, high = (0.0, 1.0) if values.isna().all() else (float(values.min()), float(values.max()))
    return (low, high) if high > low else (low - 0.01, low + 0.01)


def _draw_panel(axes: Axes, matrix: Array, ranges: Normalize) -> None:
    axes.set_facecolor("#e8e8e8")
    axes.imshow(matrix, cmap=COLOURS, norm=ranges, interpolation="nearest")
    if np.isnan(matrix).all():
        say(axes, NO_ENTRIES)
    dark = np.asarray(ranges(matrix)) > 0.6
    write_numbers(axes, matrix, lambda value: f"{value:.2f}".removeprefix("0"), dark)
