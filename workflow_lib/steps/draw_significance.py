"""Figure: effects of losing a class, with confidence intervals."""

from typing import Any

from workflow_lib.figures.confusion.significance import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_significance(*, spec: dict[str, Any], effects: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw the strongest effects of losing a class, with confidence intervals.

    Args:
        spec: title, mode.
        effects: table of effects.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(read_named(effects), mode=spec["mode"], title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
