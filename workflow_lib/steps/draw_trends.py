"""Figure: k* and accuracy along a dimension."""

from typing import Any

from workflow_lib.figures.kstar.trends import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
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
    figure, numbers = draw(
        read_named(classes), wanted=spec["classes"], threshold=spec["threshold"], title=spec["title"]
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
