"""Map of features in two dimensions."""

from typing import Any

import pandas as pd
import pyarrow  # noqa: F401  (pandas writes the table with it, and its version into the table)

from workflow_lib.io.storage import load, write_table
from workflow_lib.kstar.projections import project
from workflow_lib.seeds import sample_rows
from workflow_lib.steps.roles import Input, Output


def compute_map(*, spec: dict[str, Any], features: Input, map: Output) -> None:
    """Project features, or a stratified sample of them, and write a row per sample.

    Args:
        spec: method, seed, samples (most samples on the map).
        features: feature store.
        map: Parquet with sample, label, class_name, x, y.
    """
    with load(features) as store:
        labels = store["label"].values
        rows = sample_rows(labels, spec["samples"], spec["seed"])
        points = project(store["features"][rows].values, spec["method"], spec["seed"])
        table = pd.DataFrame(
            {
                "sample": store["sample"].values[rows].astype(object),
                "label": labels[rows],
                "class_name": store["class"].values.astype(object)[labels[rows]],
                "x": points[:, 0],
                "y": points[:, 1],
            }
        )
    write_table(table, map)
