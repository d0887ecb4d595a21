"""Figure: learning curves of the baseline and of each pair."""

from typing import Any

from workflow_lib.figures.confusion.curves import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_curves(*, spec: dict[str, Any], losses: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw the learning curves of the baseline and of each pair.

    Args:
        spec: title, mode.
        losses: table of learning curves.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(read_named(losses), mode=spec["mode"], title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
