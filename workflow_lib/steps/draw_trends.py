"""Figure: k* and accuracy along a dimension."""

from typing import Any

from workflow_lib.figures.kstar.trends import trend_numbers, trends
from workflow_lib.figures.panels import choose_classes, constants
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.points import DIMENSIONS
from workflow_lib.steps.roles import Input, Output


def draw_trends(*, spec: dict[str, Any], classes: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw how mean and skewness of k*, and accuracy, change along what the study varies.

    Args:
        spec: title, classes (names to colour; None colours all up to twenty), threshold.
        classes: table of classes of the study.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    table = read_named(classes)
    numbers, note = trend_numbers(table)
    coloured, left_out = choose_classes(table, spec["classes"])
    points = [dict(zip(DIMENSIONS, row, strict=True)) for row in table[list(DIMENSIONS)].drop_duplicates().to_numpy()]
    figure = trends(
        numbers,
        title=spec["title"],
        note=f"{constants(points)} {note}",
        threshold=spec["threshold"],
        coloured=coloured if spec["classes"] or not left_out else [],
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
