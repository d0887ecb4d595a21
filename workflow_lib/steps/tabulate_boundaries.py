"""Tables of the boundary images of a prototype study."""

from typing import Any

from workflow_lib.intervals import with_reading
from workflow_lib.io.storage import load, write_table
from workflow_lib.prototypes.boundary_tables import Stores, boundary_intervals, boundary_table, dissimilarity_table
from workflow_lib.prototypes.tables import set_points
from workflow_lib.steps.roles import Input, Output


def tabulate_boundaries(
    *,
    spec: dict[str, Any],
    boundaries: list[Input],
    features: list[Input],
    table: Output,
    intervals: Output,
    dissimilarity: Output,
) -> None:
    """Write a row per boundary image, their means at each interval, and how dissimilar they are to one another.

    Args:
        spec: grids (sets of the study), unconverged.
        boundaries: stores in the order of the sets.
        features: stores with the features of the prototypes, and which of them converged, in the same order.
        table: CSV, from `boundary_table`.
        intervals: CSV, from `boundary_intervals`.
        dissimilarity: CSV, from `dissimilarity_table`.
    """

    def stores() -> Stores:
        return zip(map(load, boundaries), map(load, features), strict=True)

    grids, unconverged = spec["grids"], spec["unconverged"]
    points = set_points(grids)
    found = boundary_table(points, stores())
    write_table(with_reading(found, grids), table)
    write_table(with_reading(boundary_intervals(found, unconverged), grids), intervals)
    write_table(with_reading(dissimilarity_table(points, stores(), unconverged), grids), dissimilarity)
