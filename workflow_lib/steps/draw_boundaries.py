"""Figure: boundary images between the prototypes of two classes."""

from typing import Any

from workflow_lib.figures.prototypes.boundaries import draw
from workflow_lib.figures.reading import read_named
from workflow_lib.figures.style import save
from workflow_lib.io.storage import load
from workflow_lib.steps.roles import Input, Output


def draw_boundaries(
    *,
    spec: dict[str, Any],
    boundaries: Input,
    prototypes: Input,
    table: Input,
    intervals: Input,
    dissimilarity: Input,
    svg: Output,
    png: Output,
    csv: Output,
) -> None:
    """Draw boundary images between the prototypes of two classes, and how the boundary moves during training.

    Args:
        spec: title, set (model, seed, interval, initialisation), classes (names; None: a choice), unconverged.
        boundaries: store of one set.
        prototypes: store of the same set.
        table: table of boundary images.
        intervals: table of their means at each interval.
        dissimilarity: table of their dissimilarity to one another.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(
        load(boundaries),
        load(prototypes),
        read_named(table),
        read_named(intervals),
        read_named(dissimilarity),
        point=spec["set"],
        wanted=spec["classes"],
        unconverged=spec["unconverged"],
        title=spec["title"],
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
