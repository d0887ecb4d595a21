"""Heat maps of the neighbour distribution (docs/science.md 1.7), a panel for each point of a study."""

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from workflow_lib.figures.cells import label_classes, side_of, write_numbers
from workflow_lib.figures.panels import Point, arrange
from workflow_lib.figures.selection import choose_classes
from workflow_lib.figures.style import RC, SHOWN_CLASSES, class_names, labels_of, name_height, new_figure


@mpl.rc_context(RC)
def draw(
    points: Sequence[Point], tables: Sequence[pd.DataFrame], *, wanted: Sequence[str] | None, k: int, title: str
) -> tuple[Figure, pd.DataFrame]:
    """Share of each class (columns) among the neighbours of each class (rows), for each of at most twelve points.

    Args:
        points: of the study, one seed each.
        tables: for each point, a row per pair of classes: class_name, neighbour_class, share (0 to 1).
        wanted: names of classes, in the order of drawing, of which a panel shows those that it has; None: all. Numbers
            are written for up to 20 classes.
        k: number of neighbours.
        title: heading of the figure.

    Returns:
        The figure, and the rows of the points shown, with the title of their point (`point`).

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    written = class_names(labels_of(table["class_name"] for table in tables))
    chosen, choice = choose_classes(list(written), wanted, section="kstar", most=len(written))
    known = [set(table["class_name"]) for table in tables]
    classes = [[name for name in chosen if name in own] or [name for name in written if name in own] for own in known]
    counts = [len(own) for own in classes]
    most = max((count for count in counts if count <= SHOWN_CLASSES), default=max(counts))
    layout = arrange(points, across=4 if most <= 10 else 2)
    columns = len(layout.rows[0])
    side = side_of(most, 0.26, 1.6)
    below = [{written[name] for point in row if point is not None for name in classes[point]} for row in layout.rows]
    reading = f"Row: a class. Column: share of a class among the {k} nearest neighbours of its samples, in per cent."
    figure = new_figure(
        columns * (side + 1.1) + 0.8,
        sum(side + 0.3 + name_height(names) for names in below),
        title,
        reading,
        layout.note,
        choice,
    )
    grid = figure.subplots(len(layout.rows), columns, squeeze=False)
    for axes, point in zip(grid.flat, [point for row in layout.rows for point in row], strict=True):
        if point is None:
            axes.set_axis_off()
            continue
        table = tables[point].pivot(index="class_name", columns="neighbour_class", values="share")
        matrix = 100 * table.reindex(index=classes[point], columns=classes[point]).to_numpy()
        image = axes.imshow(matrix, cmap="Blues", vmin=0, vmax=100, interpolation="nearest")
        label_classes(axes, [written[name] for name in classes[point]])
        axes.set_title(layout.titles[point], loc="left")
        whole = np.where(matrix >= 0.5, matrix, np.nan)  # no number where it would be 0
        write_numbers(axes, whole, "{:.0f}".format, matrix > 60, most=SHOWN_CLASSES)
    figure.colorbar(image, ax=grid, label="per cent", shrink=0.6, aspect=30)
    return figure, pd.concat([tables[point].assign(point=layout.titles[point]) for point in layout.drawn])
