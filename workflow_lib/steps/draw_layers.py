"""Figure: C and R over layers."""

from typing import Any

from workflow_lib.figures.prototypes.layers import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_layers(*, spec: dict[str, Any], intervals: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw means of C and R over the layers of a network.

    Args:
        spec: title, include_self, unconverged.
        intervals: table of intervals.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(
        read_named(intervals), include_self=spec["include_self"], unconverged=spec["unconverged"], title=spec["title"]
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
