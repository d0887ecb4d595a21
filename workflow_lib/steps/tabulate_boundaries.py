"""Tables of the boundary images of a prototype study."""

from typing import Any

from workflow_lib.io.storage import load, write_table
from workflow_lib.prototypes.tables import boundary_intervals, boundary_table, set_points
from workflow_lib.steps.roles import Input, Output


def tabulate_boundaries(
    *,
    spec: dict[str, Any],
    boundaries: list[Input],
    features: list[Input],
    table: Output,
    intervals: Output,
) -> None:
    """Write a row per boundary image, and their means at each interval.

    Args:
        spec: grids (sets of the study), unconverged.
        boundaries: stores in the order of the sets.
        features: stores with the features of the prototypes, and which of them converged, in the same order.
        table: CSV, from `boundary_table`.
        intervals: CSV, from `boundary_intervals`.
    """
    stores = zip(map(load, boundaries), map(load, features), strict=True)
    found = boundary_table(set_points(spec["grids"]), stores)
    write_table(found, table)
    write_table(boundary_intervals(found, spec["unconverged"]), intervals)
