"""Figure: mean C and R for each pair of classes."""

from typing import Any

from workflow_lib.figures.prototypes.class_pairs import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_class_pairs(*, spec: dict[str, Any], pairs: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw mean C and R for each pair of classes.

    Args:
        spec: title, classes (names; None: all), unconverged.
        pairs: table of pairs.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(
        read_named(pairs), wanted=spec["classes"], unconverged=spec["unconverged"], title=spec["title"]
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
