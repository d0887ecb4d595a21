"""Figure: accuracy of each class for each confused pair, with the baseline."""

from typing import Any

from workflow_lib.figures.confusion.accuracies import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_accuracies(*, spec: dict[str, Any], means: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw the accuracy of each class for each confused pair, with the baseline.

    Args:
        spec: title, mode.
        means: table of mean accuracies.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(read_named(means), mode=spec["mode"], title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
