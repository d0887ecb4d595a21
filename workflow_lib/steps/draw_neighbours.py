"""Figure: the neighbour distribution."""

from typing import Any

import pandas as pd

from workflow_lib.figures.kstar.neighbours import neighbours as neighbour_figure
from workflow_lib.figures.kstar.neighbours import panels_across
from workflow_lib.figures.panels import arrange, check_names
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.points import points as study_points
from workflow_lib.steps.roles import Input, Output


def draw_neighbours(*, spec: dict[str, Any], neighbours: list[Input], svg: Output, png: Output, csv: Output) -> None:
    """Draw which classes the neighbours of each class belong to, a panel for each of at most twelve points.

    Args:
        spec: grids (points), title, classes (names to show; None shows all), k (number of neighbours).
        neighbours: tables of neighbours in the order of the points.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    points = study_points(spec["grids"])
    tables = [read_named(path) for path in neighbours]
    known = list(pd.unique(pd.concat(tables)["class_name"]))
    chosen = spec["classes"] or known
    check_names(chosen, known)
    layout = arrange(points, across=panels_across(len(chosen)))
    shares = {point: tables[point] for point in layout.drawn}
    figure = neighbour_figure(shares, chosen, layout, title=spec["title"], note=layout.note, k=spec["k"])
    numbers = pd.concat([shares[point].assign(point=layout.titles[point]) for point in layout.drawn])
    save(figure, numbers, svg=svg, png=png, csv=csv)
