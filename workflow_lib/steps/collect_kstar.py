"""All k* of a study in one array."""

from typing import Any

from workflow_lib.kstar.array import write_array
from workflow_lib.points import points
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Input, Output


def collect_kstar(*, spec: dict[str, Any], kstar: list[Input], array: Output) -> None:
    """Write the k* of all points with `kstar.array.write_array`.

    Args:
        spec: grids (points of the study).
        kstar: k* stores in the order of the points.
        array: store.
    """
    write_array(array, points(spec["grids"]), kstar, progress=bar("points"))
