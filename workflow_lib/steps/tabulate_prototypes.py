"""Tables of a prototype study."""

from collections.abc import Mapping
from typing import Any

from workflow_lib.dissimilarity.summary import Selection
from workflow_lib.io.storage import load, write_table
from workflow_lib.prototypes.tables import OF_LAYER, POINT, accuracies, prototype_tables, set_points
from workflow_lib.prototypes.trend import quality_trend as trend_of
from workflow_lib.steps.roles import Input, Output

NETWORK = POINT[:-1]
"""What identifies a network at an interval."""


def tabulate_prototypes(
    *,
    spec: dict[str, Any],
    prototypes: list[Input],
    dissimilarity: list[Input],
    features: list[Input],
    sets: Output,
    intervals: Output,
    tests: Output,
    pairs: Output,
    histograms: Output,
    quality: Output,
    quality_trend: Output,
) -> None:
    """Write the tables of `prototype_tables`; that of quality also has the accuracy of each network.

    Args:
        spec: grids (sets of the study and their layers), include_self, unconverged.
        prototypes: stores in the order of the sets.
        dissimilarity: stores of features, C and R in the same order, the layer varying fastest.
        features: stores with the predictions of each network at each interval on the test split.
        sets: CSV.
        intervals: CSV.
        tests: CSV.
        pairs: CSV.
        histograms: CSV.
        quality: CSV.
        quality_trend: CSV, from `quality_trend`.
    """
    points = set_points(spec["grids"], OF_LAYER)
    stores = dict(zip(map(_key, set_points(spec["grids"])), prototypes, strict=True))
    selection = Selection(spec["include_self"], spec["unconverged"])
    images = (load(stores[_key(point)]) for point in points)
    tables = prototype_tables(points, images, map(load, dissimilarity), selection)
    networks = list({_key(p)[:-1]: {key: p[key] for key in NETWORK} for p in points}.values())
    known = accuracies(networks, map(load, features))
    tables["quality"] = tables["quality"].merge(known, on=list(NETWORK), how="left")
    tables["quality_trend"] = trend_of(tables["quality"])
    places = {"sets": sets, "intervals": intervals, "tests": tests, "pairs": pairs, "histograms": histograms}
    for name, path in {**places, "quality": quality, "quality_trend": quality_trend}.items():
        write_table(tables[name], path)


def _key(point: Mapping[str, Any]) -> tuple[Any, ...]:
    """What identifies a set."""
    return tuple(point[part] for part in POINT)
