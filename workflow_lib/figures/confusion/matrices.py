"""Mean confusion matrices of the baseline and of a pair that was confused."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from workflow_lib.confusion.example import Example
from workflow_lib.figures.axes import NO_ENTRIES, say
from workflow_lib.figures.cells import WRITTEN, label_classes, side_of, write_numbers
from workflow_lib.figures.selection import FEWER_CLASSES
from workflow_lib.figures.style import RC, SHOWN_CLASSES, TEN_COLOURS, name_height, new_figure, short_names

Array = npt.NDArray[np.float64]

READING = (
    "Row: true class; column: predicted class; per cent of the test samples of the true class, mean over runs. "
    "Test samples are labelled as in the data set. Framed: the two classes that were confused."
)


@mpl.rc_context(RC)
def draw(example: Example, *, title: str) -> tuple[Figure, pd.DataFrame]:
    """A heat map for each matrix, side by side.

    Args:
        example: matrices of the baseline and of one pair.
        title: heading of the figure.

    Returns:
        The figure, and its cells: matrix (heading), true, predicted, share.
    """
    shares, pair = example.shares, example.pair
    chosen, fewer = _choose(shares, pair)
    names = [example.classes[place] for place in chosen]
    side, margin = side_of(len(chosen)), name_height(short_names(names))
    figure = new_figure(
        len(shares) * (side + margin + 0.5) + 0.9,
        side + margin + 0.55,
        title,
        READING,
        example.note,
        fewer,
    )
    grid = figure.subplots(1, len(shares), squeeze=False)[0]
    parts = []
    for axes, (heading, matrix) in zip(grid, shares.items(), strict=True):
        own = matrix[np.ix_(chosen, chosen)]
        image = _draw_cells(axes, 100 * own)
        label_classes(axes, names)
        _frame(axes, [chosen.index(place) for place in pair])
        axes.set(xlabel="predicted", ylabel="true")
        axes.set_title(heading, loc="left")
        cells = {"true": np.repeat(names, len(names)), "predicted": np.tile(names, len(names)), "share": own.ravel()}
        parts.append(pd.DataFrame({"matrix": heading, **cells}))
    figure.colorbar(image, ax=grid, label="per cent", shrink=0.8, aspect=25)
    return figure, pd.concat(parts, ignore_index=True)


def _choose(shares: Mapping[str, Array], pair: Sequence[int]) -> tuple[list[int], str]:
    """Places of the classes that are shown, and a sentence on the choice: all, or ten of more than twenty."""
    first, last = (np.diagonal(list(shares.values())[place]) for place in (0, -1))
    n = len(first)
    if n <= SHOWN_CLASSES:
        return list(range(n)), ""
    change = np.nan_to_num(np.abs(last - first))
    change[list(pair)] = np.inf
    chosen = sorted(int(place) for place in np.argsort(-change, kind="stable")[:FEWER_CLASSES])
    text = f"Of {n} classes {FEWER_CLASSES} are shown: the pair, and those whose accuracy changes most"
    return chosen, f"{text}; predictions of others are left out, so rows do not add up to 100."


def _draw_cells(axes: Axes, matrix: Array) -> mpl.image.AxesImage:
    axes.set_facecolor("#d8d8d8")
    image = axes.imshow(matrix, cmap="Blues", vmin=0, vmax=100, interpolation="nearest")
    if np.isnan(matrix).all():
        say(axes, NO_ENTRIES)
    written = np.where(matrix > 0.5, matrix, np.nan) if len(matrix) <= WRITTEN else matrix
    write_numbers(axes, written, "{:.0f}".format, matrix > 60)
    return image


def _frame(axes: Axes, pair: Sequence[int]) -> None:
    for row in pair:
        for column in pair:
            corner = (column - 0.5, row - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=TEN_COLOURS[6], linewidth=1.4))
