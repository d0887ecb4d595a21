"""Figure: bits that targets gain or lose if a class is not confused."""

from typing import Any

from workflow_lib.figures.confusion.information import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.steps.roles import Input, Output


def draw_information(*, spec: dict[str, Any], effects: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw the bits that targets gain or lose if a class is not confused.

    Args:
        spec: title, mode, groups (names of classes by name of the group; may be empty).
        effects: table of effects.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(read_named(effects), groups=spec["groups"], mode=spec["mode"], title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
