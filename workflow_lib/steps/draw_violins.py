"""Figure: violins of k* per class."""

from typing import Any

from workflow_lib.figures.kstar.violins import draw
from workflow_lib.figures.reading import kstar_values, read_named
from workflow_lib.figures.style import save
from workflow_lib.points import points
from workflow_lib.steps.roles import Input, Output


def draw_violins(
    *, spec: dict[str, Any], kstar: list[Input], classes: Input, svg: Output, png: Output, csv: Output
) -> None:
    """Draw the violins of k* per class, a panel for each of at most twelve points.

    Args:
        spec: grids (points, one seed each), title, classes (names; None: up to twenty), threshold.
        kstar: k* stores in the order of the points.
        classes: table of classes of the study.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(
        points(spec["grids"]),
        read_named(classes),
        lambda point: kstar_values(kstar[point]),
        wanted=spec["classes"],
        threshold=spec["threshold"],
        title=spec["title"],
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
