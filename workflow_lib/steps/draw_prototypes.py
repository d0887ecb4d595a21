"""Figure: the prototypes of every class from every class."""

from typing import Any

from workflow_lib.figures.prototypes.grid import prototype_grid
from workflow_lib.figures.selection import describe_set
from workflow_lib.figures.style import save
from workflow_lib.io.storage import load
from workflow_lib.steps.roles import Input, Output


def draw_prototypes(
    *,
    spec: dict[str, Any],
    prototypes: Input,
    svg: Output,
    png: Output,
    csv: Output,
) -> None:
    """Draw the prototypes of every class from every class.

    Args:
        spec: title, set (model, seed, interval, initialisation), classes (names; None: all or a choice).
        prototypes: store of one set.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = prototype_grid(
        load(prototypes), wanted=spec["classes"], title=spec["title"], note=describe_set(spec["set"])
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
