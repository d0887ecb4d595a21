"""Heat map of the rank correlations between measures of pairs of classes."""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from workflow_lib.figures.cells import label_classes, side_of, write_numbers
from workflow_lib.figures.class_groups import draw_lines, name_beside, room_beside, spans
from workflow_lib.figures.style import RC, name_height, new_figure, signed

READING = (
    "Spearman's ρ over pairs of classes. Frame: p < 0.05, adjusted for the number of tests between methods, or within "
    "them. p from orders of the classes, because pairs that share a class depend on each other. Lines separate the "
    "methods. Grey: not defined."
)
ALPHA = 0.05
COLOURS = "PRGn"


@mpl.rc_context(RC)
def draw(correlations: pd.DataFrame, measures: pd.DataFrame, *, title: str) -> tuple[Figure, pd.DataFrame]:
    """A row and a column for each measure.

    Args:
        correlations: from `correlation_table`.
        measures: from `measure_table`, in the order of rows and columns.
        title: heading of the figure.

    Returns:
        The figure, and `correlations`.
    """
    names = list(measures["measure"])
    matrix = correlations.pivot(index="other", columns="measure", values="rho").reindex(index=names, columns=names)
    values = matrix.to_numpy(dtype=float)
    written = [name.replace("_", " ") for name in names]
    of_method: dict[str, list[str]] = {}
    for name, method in zip(names, measures["method"], strict=True):
        of_method.setdefault("k*" if method == "kstar" else method, []).append(name)
    methods = spans(names, of_method)
    side, margin = side_of(len(names), cell=0.34), name_height(written)
    beside = room_beside(methods, side)
    size = side + margin + beside
    figure = new_figure(size + 1.2, size + 0.3, title, READING, _counts(correlations))
    axes = figure.subplots()
    image = axes.imshow(values, cmap=COLOURS, norm=Normalize(-1, 1), interpolation="nearest")
    write_numbers(axes, values, signed, np.abs(values) > 0.62, most=len(names))
    label_classes(axes, written)
    _mark(axes, correlations, names)
    draw_lines(axes, methods)
    name_beside(axes, methods, side)
    figure.colorbar(image, ax=axes, label="ρ", shrink=0.7, aspect=25)
    return figure, correlations


def _mark(axes: Axes, correlations: pd.DataFrame, names: list[str]) -> None:
    """A frame around each significant cell, and grey cells that are not defined."""
    for row in correlations.to_dict("records"):
        corner = names.index(row["measure"]) - 0.5, names.index(row["other"]) - 0.5
        if row["p_adjusted"] < ALPHA:
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor="black", linewidth=1.2))
        elif row["undefined"]:
            axes.add_patch(Rectangle(corner, 1, 1, color="#d8d8d8", linewidth=0))


def _counts(correlations: pd.DataFrame) -> str:
    parts = []
    for across, text in ((True, "between methods"), (False, "within a method")):
        own = correlations[(correlations["across"] == across) & correlations["p"].notna()]
        raw, adjusted = (own["p"] < ALPHA).sum(), (own["p_adjusted"] < ALPHA).sum()
        parts.append(f"{len(own)} tests {text}, {raw} with p < 0.05, {adjusted} of them after adjustment.")
    return " ".join(parts)
