"""Figure: prototypes of every class from every class."""

from typing import Any

from workflow_lib.figures.prototypes.prototypes import draw
from workflow_lib.figures.style import save
from workflow_lib.io.storage import load
from workflow_lib.steps.roles import Input, Output


def draw_prototypes(*, spec: dict[str, Any], prototypes: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw the prototypes of every class from every class.

    Args:
        spec: title, set (model, seed, interval, initialisation), classes (names; None: all or a choice).
        prototypes: store of one set.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(load(prototypes), point=spec["set"], wanted=spec["classes"], title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
