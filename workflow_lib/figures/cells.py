"""Heat maps of classes by classes: labels, numbers in cells, size."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from workflow_lib.figures.panels import spread
from workflow_lib.figures.style import SHOWN_CLASSES, name_rotation

Array = npt.NDArray[np.float64]

WRITTEN = 12
"""Numbers are written into the cells of up to this many classes."""


def label_classes(axes: Axes, names: Sequence[str]) -> None:
    """Write the names of rows and columns, from `style.class_names`; of more than twenty classes only some."""
    places = spread(range(len(names)), SHOWN_CLASSES)
    texts = [names[place] for place in places]
    axes.set_xticks(places, texts, rotation=name_rotation(texts))
    axes.set_yticks(places, texts)
    axes.tick_params(length=0 if len(names) <= SHOWN_CLASSES else 2)
    axes.spines[:].set_visible(False)


def write_numbers(
    axes: Axes,
    matrix: Array,
    write: Callable[[float], str],
    dark: npt.NDArray[np.bool_],
    most: int = WRITTEN,
    pale: npt.NDArray[np.bool_] | None = None,
) -> None:
    """Write the numbers of a matrix of at most `most` classes; nothing for NaN.

    They are black, in dark cells white, and grey where `pale`.
    """
    if len(matrix) > most:
        return
    for row, column in np.argwhere(np.isfinite(matrix)):
        colour = "white" if dark[row, column] else "#808080" if pale is not None and pale[row, column] else "black"
        text = write(matrix[row, column])
        axes.text(column, row, text, ha="center", va="center", fontsize=6, color=colour)


def side_of(count: int, cell: float = 0.3, least: float = 1.8) -> float:
    """Side of a heat map in inches: `cell` for each class, but at least `least`."""
    return max(cell * count, least) if count <= SHOWN_CLASSES else 4.5
