"""Figure: violins of k* per class."""

from typing import Any

from workflow_lib.figures.kstar.violins import panels_across, violin_numbers, violins
from workflow_lib.figures.panels import arrange, choose_classes
from workflow_lib.figures.reading import kstar_values, number_points, read_named
from workflow_lib.figures.style import save
from workflow_lib.points import points as study_points
from workflow_lib.steps.roles import Input, Output


def draw_violins(
    *, spec: dict[str, Any], kstar: list[Input], classes: Input, svg: Output, png: Output, csv: Output
) -> None:
    """Draw the violins of a study, a panel for each of at most twelve points.

    Args:
        spec: grids (points, one seed each), title, classes (names to show, or None), threshold.
        kstar: k* stores in the order of the points.
        classes: table of classes of the study.
        svg: the figure.
        png: the figure.
        csv: the numbers behind it.
    """
    points = study_points(spec["grids"])
    table = number_points(read_named(classes), points)
    chosen, note = choose_classes(table, spec["classes"])
    layout = arrange(points, across=panels_across(len(chosen)))
    values = {point: kstar_values(kstar[point]) for point in layout.drawn}
    figure = violins(
        values, table, chosen, layout, title=spec["title"], note=f"{layout.note} {note}", threshold=spec["threshold"]
    )
    save(figure, violin_numbers(values, table, chosen), svg=svg, png=png, csv=csv)
