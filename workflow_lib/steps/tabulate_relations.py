"""Tables of a study of relations between classes."""

from pathlib import Path
from typing import Any

import pandas as pd

from workflow_lib.errors import UserError
from workflow_lib.io.storage import load, read_table, write_table
from workflow_lib.relations.budget import too_many
from workflow_lib.relations.measures import TEXT, Matrices, of_confusion, of_kstar, of_prototypes
from workflow_lib.relations.tables import correlation_table, in_order, measure_table, pair_table
from workflow_lib.steps.roles import Input, Output


def tabulate_relations(
    *,
    spec: dict[str, Any],
    kstar: list[Input] | None,
    sets: list[Input] | None,
    features: list[Input] | None,
    prototype_pairs: Input | None,
    boundaries: Input | None,
    effects: Input | None,
    confusion_pairs: Input | None,
    shares: Input | None,
    class_pairs: Output,
    measures: Output,
    correlations: Output,
) -> None:
    """Write all measures of each pair of classes, what they are, and their rank correlations.

    Args:
        spec: sources (study, model, interval, … of each part, by section; of the prototypes also unconverged),
            permutations, seed.
        kstar: k* stores of all seeds; none without a k* study.
        sets: prototype stores of all seeds and initialisations; none without a prototype study.
        features: stores of C and R of these sets, with the features of one layer.
        prototype_pairs: its table of C and R by pairs.
        boundaries: its table of boundary images, if it has one.
        effects: table of a confusion study; none without one.
        confusion_pairs: its table of pairs.
        shares: its confusion matrices.
        class_pairs: CSV, from `pair_table`.
        measures: CSV, from `measure_table`.
        correlations: CSV, from `correlation_table`.
    """
    parts: list[tuple[list[str], Matrices]] = []
    if kstar:
        parts.append(of_kstar(map(load, kstar)))
    if sets and features and prototype_pairs:
        source = spec["sources"]["prototypes"]
        tables = [_at_point(path, source) for path in (prototype_pairs, boundaries) if path]
        stores = zip(map(load, sets), map(load, features), strict=True)
        parts.append(of_prototypes(stores, *tables, unconverged=source["unconverged"]))
    if effects and confusion_pairs and shares:
        parts.append(of_confusion(*(read_table(path, TEXT) for path in (effects, confusion_pairs, shares))))
    names, matrices = in_order(parts)
    if problems := list(too_many("relations.studies: permutations", spec["permutations"], len(names))):
        raise UserError(*problems)
    write_table(pair_table(names, matrices), class_pairs)
    write_table(measure_table(matrices, spec["sources"]), measures)
    write_table(correlation_table(matrices, permutations=spec["permutations"], seed=spec["seed"]), correlations)


def _at_point(path: Path, point: dict[str, Any]) -> pd.DataFrame:
    """The rows of one model and interval, and of one layer if the table has several."""
    table = read_table(path, TEXT)
    keys = [key for key in ("model", "interval", "layer") if key in table]
    return table.merge(pd.DataFrame([{key: point[key] for key in keys}]), on=keys)
