"""Classes of the nearest neighbours of each class."""

from typing import Any

import numpy as np
import pandas as pd

from workflow_lib.io.storage import load, write_table
from workflow_lib.kstar.directions import zero_rows
from workflow_lib.kstar.neighbours import neighbour_classes
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Input, Output


def count_neighbours(*, spec: dict[str, Any], features: Input, neighbours: Output) -> None:
    """Write the share of each class among the neighbours of each class, a row per pair.

    Args:
        spec: metric, k (number of neighbours); for cosine also on_zero ("error" or "leave_out").
        features: feature store.
        neighbours: CSV with class_name, neighbour_class, share (empty for a class without samples).
    """
    with load(features) as store:
        names = store["class"].values.astype(object)
        labels, points = store["label"].values, store["features"].values
    if spec.get("on_zero") == "leave_out":
        zero = zero_rows(points)
        labels, points = np.delete(labels, zero), np.delete(points, zero, axis=0)
    shares = neighbour_classes(points, labels, len(names), spec["k"], spec["metric"], progress=bar("neighbours"))
    pairs = {"class_name": np.repeat(names, len(names)), "neighbour_class": np.tile(names, len(names))}
    write_table(pd.DataFrame({**pairs, "share": shares.ravel()}), neighbours)
