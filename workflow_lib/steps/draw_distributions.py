"""Figure: distributions of C and R."""

from typing import Any

from workflow_lib.figures.prototypes.distributions import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_distributions(*, spec: dict[str, Any], histograms: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw the distributions of C and R at each training interval.

    Args:
        spec: title, include_self, unconverged.
        histograms: table of histograms.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(
        read_named(histograms), include_self=spec["include_self"], unconverged=spec["unconverged"], title=spec["title"]
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
