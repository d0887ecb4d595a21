"""Figure: rank correlations between measures of pairs of classes."""

from typing import Any

from workflow_lib.figures.reading import read_named
from workflow_lib.figures.relations.correlation_matrix import draw
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_correlation_matrix(
    *, spec: dict[str, Any], correlations: Input, measures: Input, svg: Output, png: Output, csv: Output
) -> None:
    """Draw the rank correlation of each two measures.

    Args:
        spec: title.
        correlations: table of correlations.
        measures: table of measures.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(read_named(correlations), read_named(measures), title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
