"""Figure: maps of features beside the violins of k* of the same features."""

from itertools import product
from typing import Any

import pandas as pd

from workflow_lib.figures.kstar.maps import MOST_ROWS
from workflow_lib.figures.kstar.maps import maps as map_figure
from workflow_lib.figures.panels import arrange, choose_classes
from workflow_lib.figures.reading import kstar_values, number_points, read_named
from workflow_lib.figures.style import save
from workflow_lib.io.storage import read_table
from workflow_lib.points import points as study_points
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
        spec: grids (points), methods, title, classes (names to show, or None), threshold.
        maps: tables of maps, all methods of a point after each other.
        kstar: k* stores in the order of the points.
        classes: table of classes of the study.
        svg: the figure.
        png: the figure.
        csv: the points on the maps.
    """
    points = study_points(spec["grids"])
    files = dict(zip(product(range(len(points)), spec["methods"]), maps, strict=True))
    layout = arrange(points, MOST_ROWS, across=1)
    table = number_points(read_named(classes), points)
    chosen, note = choose_classes(table, spec["classes"])
    samples = pd.concat(
        [
            read_table(files[point, method]).assign(point=point, method=method)
            for point in layout.drawn
            for method in spec["methods"]
        ]
    )
    figure = map_figure(
        samples,
        {point: kstar_values(kstar[point]) for point in layout.drawn},
        table,
        chosen,
        {point: layout.titles[point] for point in layout.drawn},
        title=spec["title"],
        note=f"{layout.note} {note}",
        threshold=spec["threshold"],
    )
    numbers = samples.assign(point=[layout.titles[point] for point in samples["point"]])
    save(figure, numbers, svg=svg, png=png, csv=csv)
