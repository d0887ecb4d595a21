"""Tables of a k* study."""

from typing import Any

from workflow_lib.intervals import with_reading
from workflow_lib.io.storage import load, write_table
from workflow_lib.kstar.examples import example_table
from workflow_lib.kstar.tables import aggregate_table, class_table, piece_table, seed_table
from workflow_lib.kstar.trend import trend_table
from workflow_lib.points import points as study_points
from workflow_lib.steps.roles import Input, Output


def tabulate_kstar(
    *,
    spec: dict[str, Any],
    kstar: list[Input],
    classes: Output,
    aggregates: Output,
    pieces: Output,
    examples: Output,
    seeds: Output,
    trend: Output,
) -> None:
    """Write the tables of a study, each as CSV.

    Args:
        spec: grids (points of the study), strengths (of transforms, by name), scales (names of transforms by what
            their strength measures), skewness, threshold.
        kstar: k* stores in the order of the points.
        classes: a row per point and class, from `class_table`.
        aggregates: means over classes, from `aggregate_table`.
        pieces: pieces of each class, from `piece_table`.
        examples: samples of Fractured classes, from `example_table`.
        seeds: means over seeds, from `seed_table`.
        trend: rank correlations, from `trend_table`.
    """
    points = study_points(spec["grids"])
    table = class_table(points, map(load, kstar), spec["skewness"], spec["threshold"], spec["strengths"])
    tables = {
        classes: table,
        aggregates: aggregate_table(table),
        pieces: piece_table(points, map(load, kstar)),
        examples: example_table(points, map(load, kstar), table),
        seeds: seed_table(table),
        trend: trend_table(table, spec["scales"]),
    }
    for path, found in tables.items():
        write_table(with_reading(found, spec["grids"]), path)
