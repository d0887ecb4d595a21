"""Tables of a k* study."""

from typing import Any

from workflow_lib.io.storage import load, write_table
from workflow_lib.kstar.tables import aggregate_table, class_table, piece_table
from workflow_lib.points import points as study_points
from workflow_lib.steps.roles import Input, Output


def tabulate_kstar(
    *, spec: dict[str, Any], kstar: list[Input], classes: Output, aggregates: Output, pieces: Output
) -> None:
    """Write a row per point and class, the aggregates over classes, and the pieces of each class.

    Args:
        spec: grids (points of the study), strengths (of transforms, by name), skewness, threshold.
        kstar: k* stores in the order of the points.
        classes: CSV, from `class_table`.
        aggregates: CSV, from `aggregate_table`.
        pieces: CSV, from `piece_table`.
    """
    points = study_points(spec["grids"])
    table = class_table(points, map(load, kstar), spec["skewness"], spec["threshold"], spec["strengths"])
    write_table(table, classes)
    write_table(aggregate_table(table), aggregates)
    write_table(piece_table(points, map(load, kstar)), pieces)
