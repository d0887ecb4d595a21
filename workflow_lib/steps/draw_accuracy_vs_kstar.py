"""Figure: accuracy of classes against the mean and the skewness of their k*."""

from typing import Any

from workflow_lib.figures.kstar.accuracy_vs_kstar import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_accuracy_vs_kstar(
    *, spec: dict[str, Any], classes: Input, trend: Input, svg: Output, png: Output, csv: Output
) -> None:
    """Draw the accuracy of each class at each point against the mean and the skewness of its k*.

    Args:
        spec: title, threshold.
        classes: table of classes of the study.
        trend: table of rank correlations of the study.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(read_named(classes), read_named(trend), threshold=spec["threshold"], title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
