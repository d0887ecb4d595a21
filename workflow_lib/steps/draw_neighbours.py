"""Figure: classes of the nearest neighbours of each class."""

from typing import Any

from workflow_lib.figures.kstar.neighbours import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.points import points
from workflow_lib.steps.roles import Input, Output


def draw_neighbours(*, spec: dict[str, Any], neighbours: list[Input], svg: Output, png: Output, csv: Output) -> None:
    """Draw which classes the neighbours of each class belong to, a panel for each of at most twelve points.

    Args:
        spec: grids (points, one seed each), title, classes (names; None: all), k (number of neighbours).
        neighbours: tables of neighbours in the order of the points.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    tables = [read_named(path) for path in neighbours]
    figure, numbers = draw(points(spec["grids"]), tables, wanted=spec["classes"], k=spec["k"], title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
