"""Heat maps of the neighbour distribution (docs/science.md 1.7), a panel for each point of a study."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_lib.figures.cells import label_classes
from workflow_lib.figures.panels import Layout
from workflow_lib.figures.style import RC, SHOWN_CLASSES, name_height, new_figure, short_names

Array = npt.NDArray[np.float64]


@mpl.rc_context(RC)
def neighbours(
    shares: Mapping[int, pd.DataFrame], classes: Sequence[str], layout: Layout, *, title: str, note: str, k: int
) -> Figure:
    """Share of each class (columns) among the `k` nearest neighbours of each class's members (rows), in per cent.

    Args:
        shares: for each point shown, a row per pair: class_name, neighbour_class, share (0 to 1).
        classes: names, in the order of drawing; numbers are written, and every class named, up to 20.
        layout: which point goes where.
        title: heading of the figure.
        note: what is held and left out; follows the line on how to read the figure.
        k: number of neighbours.
    """
    rows, columns = len(layout.rows), len(layout.rows[0])
    side = max(0.26 * len(classes), 1.6) if len(classes) <= SHOWN_CLASSES else 4.5
    reading = (
        f"Row: a class; column: the share of a class among the {k} nearest neighbours of its members, in per cent."
    )
    figure = new_figure(
        columns * (side + 1.1) + 0.8,
        rows * (side + 0.3 + name_height(short_names(classes))),
        title,
        f"{reading} {note}",
    )
    grid = figure.subplots(rows, columns, squeeze=False)
    image = None
    for axes, point in zip(grid.flat, [point for row in layout.rows for point in row], strict=True):
        if point is None:
            axes.set_axis_off()
            continue
        table = shares[point].pivot(index="class_name", columns="neighbour_class", values="share")
        matrix = 100 * table.reindex(index=list(classes), columns=list(classes)).to_numpy()
        image = axes.imshow(matrix, cmap="Blues", vmin=0, vmax=100, interpolation="nearest")
        label_classes(axes, classes)
        axes.set_title(layout.titles[point], loc="left")
        if len(classes) <= SHOWN_CLASSES:
            _write_numbers(axes, matrix)
    if image is not None:
        figure.colorbar(image, ax=grid, label="per cent", shrink=0.6, aspect=30)
    return figure


def panels_across(classes: int) -> int:
    """How many panels fit side by side."""
    return 4 if classes <= 10 else 2


def _write_numbers(axes: Axes, matrix: Array) -> None:
    """Whole per cents in the cells; nothing where it would be 0."""
    for row, column in np.argwhere(matrix >= 0.5):
        value = matrix[row, column]
        colour = "white" if value > 60 else "black"
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=6, color=colour)
