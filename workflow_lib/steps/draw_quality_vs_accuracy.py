"""Figure: quality of networks against their test accuracy."""

from typing import Any

from workflow_lib.figures.prototypes.quality_vs_accuracy import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_quality_vs_accuracy(
    *, spec: dict[str, Any], quality: Input, trend: Input, svg: Output, png: Output, csv: Output
) -> None:
    """Draw measures of networks, from their prototypes, against their test accuracy.

    Args:
        spec: title.
        quality: table of quality.
        trend: its rank correlations.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(read_named(quality), read_named(trend), title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
