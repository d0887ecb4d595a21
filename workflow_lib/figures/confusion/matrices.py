"""Mean confusion matrices of the baseline and of a confused pair."""

from collections.abc import Sequence

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
from workflow_lib.figures.confusion.words import DONE
from workflow_lib.figures.selection import FEWER_CLASSES
from workflow_lib.figures.style import RC, SHOWN_CLASSES, TEN_COLOURS, class_names, labels_of, name_height, new_figure

Array = npt.NDArray[np.float64]

READING = (
    "Row: true class. Column: predicted class. Number: per cent of the test samples of the true class, mean over runs. "
    "Test samples have correct labels. Framed: the two classes of the pair."
)


@mpl.rc_context(RC)
def draw(example: Example, *, mode: str, title: str) -> tuple[Figure, pd.DataFrame]:
    """A heat map for each matrix, side by side.

    Args:
        example: matrices of the baseline and of one pair.
        mode: how the pair was mistrained.
        title: heading of the figure.

    Returns:
        The figure, and its cells: matrix (heading), true, predicted, share.
    """
    shares, pair, classes = example.shares, example.pair, example.classes
    chosen, fewer = _choose(shares, pair)
    written = list(class_names(labels_of([classes])).values())
    names = [classes[place] for place in chosen]
    short = [written[place] for place in chosen]
    side, margin = side_of(len(chosen)), name_height(short)
    width = len(shares) * (side + margin + 0.5) + 0.9
    figure = new_figure(width, side + margin + 0.55, title, READING, DONE[mode], example.note, fewer)
    grid = figure.subplots(1, len(shares), squeeze=False)[0]
    parts = []
    headings = zip(_headings(example, classes, mode), _headings(example, written, mode), strict=True)
    for axes, matrix, (heading, text) in zip(grid, shares, headings, strict=True):
        own = matrix[np.ix_(chosen, chosen)]
        image = _draw_cells(axes, 100 * own)
        label_classes(axes, short)
        _frame(axes, [chosen.index(place) for place in pair])
        axes.set(xlabel="predicted", ylabel="true")
        axes.set_title(text, loc="left")
        cells = {"true": np.repeat(names, len(names)), "predicted": np.tile(names, len(names)), "share": own.ravel()}
        parts.append(pd.DataFrame({"matrix": heading, **cells}))
    figure.colorbar(image, ax=grid, label="per cent", shrink=0.8, aspect=25)
    return figure, pd.concat(parts, ignore_index=True)


def _headings(example: Example, classes: Sequence[str], mode: str) -> list[str]:
    """Titles of the matrices, with these names of the classes."""
    between = " as " if mode == "one_way" else " and "
    names = ["baseline", between.join(classes[place] for place in example.pair)][: len(example.shares)]
    return [f"{name}: {runs} runs" for name, runs in zip(names, example.runs, strict=True)]


def _choose(shares: Array, pair: Sequence[int]) -> tuple[list[int], str]:
    """Indices of the classes to show, and a note: all up to twenty, else the ten that change most."""
    first, last = (np.diagonal(matrix) for matrix in shares[[0, -1]])
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
