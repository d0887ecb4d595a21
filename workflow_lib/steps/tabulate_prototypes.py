"""Tables of a prototype study."""

from typing import Any

from workflow_lib.dissimilarity.summary import Selection
from workflow_lib.intervals import with_reading
from workflow_lib.io.storage import load, write_table
from workflow_lib.prototypes.tables import POINT, accuracies, prototype_tables, set_points
from workflow_lib.steps.roles import Input, Output

NETWORK = POINT[:-1]
"""What identifies a network at an interval."""


def tabulate_prototypes(
    *,
    spec: dict[str, Any],
    prototypes: list[Input],
    dissimilarity: list[Input],
    adversarial: list[Input],
    features: list[Input],
    sets: Output,
    intervals: Output,
    tests: Output,
    pairs: Output,
    histograms: Output,
    quality: Output,
) -> None:
    """Write the tables of `prototype_tables`; that of quality also has the accuracy of each network.

    Args:
        spec: grids (sets of the study), include_self, unconverged.
        prototypes: stores in the order of the sets.
        dissimilarity: stores of C and R in the same order.
        adversarial: stores of the nearest adversarial images in the same order.
        features: stores with the predictions of each network at each interval on the test split.
        sets: CSV.
        intervals: CSV.
        tests: CSV.
        pairs: CSV.
        histograms: CSV.
        quality: CSV.
    """
    points = set_points(spec["grids"])
    selection = Selection(spec["include_self"], spec["unconverged"])
    stores = zip(map(load, prototypes), map(load, dissimilarity), map(load, adversarial), strict=True)
    tables = prototype_tables(points, stores, selection)
    networks = list({tuple(p[key] for key in NETWORK): {key: p[key] for key in NETWORK} for p in points}.values())
    known = accuracies(networks, map(load, features))
    tables["quality"] = tables["quality"].merge(known, on=list(NETWORK), how="left")
    places = {"sets": sets, "intervals": intervals, "tests": tests, "pairs": pairs, "histograms": histograms}
    for name, path in {**places, "quality": quality}.items():
        write_table(with_reading(tables[name], spec["grids"]), path)
