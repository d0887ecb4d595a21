"""Figure: the way of class prototypes from noise to the end."""

from typing import Any

from workflow_lib.figures.prototypes.trajectories import ways
from workflow_lib.figures.selection import describe_set
from workflow_lib.figures.style import save
from workflow_lib.io.storage import load
from workflow_lib.steps.roles import Input, Output


def draw_way(
    *,
    spec: dict[str, Any],
    prototypes: Input,
    svg: Output,
    png: Output,
    csv: Output,
) -> None:
    """Draw the way of class prototypes from noise to the end.

    Args:
        spec: title, set (model, seed, interval, initialisation), shown (classes; None: the first five).
        prototypes: store of one set.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = ways(load(prototypes), shown=spec["shown"], title=spec["title"], note=describe_set(spec["set"]))
    save(figure, numbers, svg=svg, png=png, csv=csv)
