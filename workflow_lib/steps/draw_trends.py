"""Figure: k* and accuracy along a varied dimension of a study."""

from typing import Any

from workflow_lib.figures.kstar.trends import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_trends(*, spec: dict[str, Any], classes: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw how mean and skewness of k*, and accuracy, change along the varied dimensions of a study.

    Args:
        spec: title, classes (names to colour; None: all up to twenty), threshold, scale (what the strengths of all
            transforms measure, or None).
        classes: table of classes of the study.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(
        read_named(classes),
        wanted=spec["classes"],
        threshold=spec["threshold"],
        scale=spec["scale"],
        title=spec["title"],
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
