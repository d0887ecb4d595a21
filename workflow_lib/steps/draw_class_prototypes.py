"""Figure: class prototypes of every network."""

from typing import Any

from workflow_lib.figures.prototypes.class_prototypes import draw
from workflow_lib.figures.style import save
from workflow_lib.io.storage import load
from workflow_lib.steps.roles import Input, Output


def draw_class_prototypes(
    *, spec: dict[str, Any], prototypes: list[Input], svg: Output, png: Output, csv: Output
) -> None:
    """Draw the class prototypes of every model at every interval, one below the other.

    Args:
        spec: title, sets (model, seed, interval and initialisation of each store), classes (names; None: all or a
            choice).
        prototypes: a store for each set.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    stores = [load(path) for path in prototypes]
    figure, numbers = draw(stores, points=spec["sets"], wanted=spec["classes"], title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
