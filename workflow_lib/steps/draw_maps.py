"""Figure: maps of features, with violins of k* of the same features."""

from itertools import product
from typing import Any

from workflow_lib.figures.kstar.maps import draw
from workflow_lib.figures.reading import kstar_values, read_named
from workflow_lib.figures.style import save
from workflow_lib.io.storage import read_table
from workflow_lib.points import points
from workflow_lib.steps.roles import Input, Output


def draw_maps(
    *,
    spec: dict[str, Any],
    maps: list[Input],
    kstar: list[Input],
    classes: Input,
    svg: Output,
    png: Output,
    csv: Output,
) -> None:
    """Draw maps and violins, a row for each of at most six points.

    Args:
        spec: grids (points, one seed each), methods, title, classes (names; None: up to twenty), threshold.
        maps: tables of maps, point by point, the method varying fastest.
        kstar: k* stores in the order of the points.
        classes: table of classes of the study.
        svg: the figure.
        png: the figure.
        csv: the points on the maps.
    """
    known = points(spec["grids"])
    files = dict(zip(product(range(len(known)), spec["methods"]), maps, strict=True))
    figure, numbers = draw(
        known,
        read_named(classes),
        lambda point: kstar_values(kstar[point]),
        lambda point, method: read_table(files[point, method]),
        methods=spec["methods"],
        wanted=spec["classes"],
        threshold=spec["threshold"],
        title=spec["title"],
    )
    save(figure, numbers, svg=svg, png=png, csv=csv)
