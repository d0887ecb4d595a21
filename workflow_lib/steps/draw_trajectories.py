"""Figure: trajectories of class prototypes from noise to the end."""

from typing import Any

from workflow_lib.figures.prototypes.trajectories import draw
from workflow_lib.figures.style import save
from workflow_lib.io.storage import load
from workflow_lib.steps.roles import Input, Output


def draw_trajectories(*, spec: dict[str, Any], prototypes: Input, svg: Output, png: Output, csv: Output) -> None:
    """Draw the trajectories of class prototypes from noise to the end.

    Args:
        spec: title, set (model, seed, interval, initialisation), classes (names; None: the first five).
        prototypes: store of one set.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    figure, numbers = draw(load(prototypes), point=spec["set"], wanted=spec["classes"], title=spec["title"])
    save(figure, numbers, svg=svg, png=png, csv=csv)
