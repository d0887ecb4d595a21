"""Figure: the strongest correlations between methods."""

from typing import Any

from workflow_lib.figures.reading import read_named
from workflow_lib.figures.relations.strongest import draw
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_strongest(
    *, spec: dict[str, Any], pairs: Input, correlations: Input, measures: Input, svg: Output, png: Output, csv: Output
) -> None:
    """Draw the two measures of each two methods that correlate most.

    Args:
        spec: title.
        pairs: table of pairs of classes.
        correlations: table of correlations.
        measures: table of measures.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    tables = map(read_named, (pairs, correlations, measures))
    figure, numbers = draw(*tables, title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
