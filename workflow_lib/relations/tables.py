"""Tables of a study of relations: pairs of classes, measures, and their rank correlations (docs/science.md 4)."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from workflow_lib.relations.measures import MEASURES, Array, Matrices
from workflow_lib.relations.permutation import correlate, orders_of
from workflow_lib.statistics import benjamini_hochberg

PAIR = ("class_a", "class_b")
SOURCE = ("study", "model", "interval", "layer", "metric", "seeds", "sets")
"""Columns that say where a measure comes from."""


def in_order(parts: Sequence[tuple[list[str], Matrices]]) -> tuple[list[str], Matrices]:
    """Class names of the first part, and the matrices of all parts in this order of classes."""
    names = parts[0][0]
    matrices: dict[str, Array] = {}
    for own, found in parts:
        places = [own.index(name) for name in names]
        matrices |= {measure: matrix[np.ix_(places, places)] for measure, matrix in found.items()}
    return names, matrices


def pair_table(names: Sequence[str], matrices: Matrices) -> pd.DataFrame:
    """A row per ordered pair of different classes: class_a, class_b, and a column for each measure."""
    first, second = np.nonzero(~np.eye(len(names), dtype=bool))
    classes = np.array(names, dtype=object)
    pairs = dict(zip(PAIR, (classes[first], classes[second]), strict=True))
    return pd.DataFrame(pairs | {measure: matrix[first, second] for measure, matrix in matrices.items()})


def measure_table(matrices: Matrices, sources: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """A row per measure: measure, method, directed, n (ordered pairs with a value), SOURCE, meaning.

    Args:
        matrices: by measure.
        sources: study, model, interval, layer, metric, seeds and sets of each method, as far as it has them.
    """
    rows = []
    for name, matrix in matrices.items():
        measure = MEASURES[name]
        n = int(np.isfinite(matrix[~np.eye(len(matrix), dtype=bool)]).sum())
        about = {key: sources[measure.method].get(key) for key in SOURCE}
        rows.append({"measure": name, "method": measure.method, "directed": measure.directed, "n": n} | about)
    table = pd.DataFrame(rows).astype(dict.fromkeys(("interval", "seeds", "sets"), "Int64"))
    return table.assign(meaning=[MEASURES[name].meaning for name in matrices])


def correlation_table(matrices: Matrices, *, permutations: int, seed: int) -> pd.DataFrame:
    """A row per two measures, the earlier one first.

    Args:
        matrices: by measure, (n, n) each.
        permutations: largest number of orders of the classes.
        seed: of the orders.

    Returns:
        measure, other, across (whether two methods are compared), pairs ("ordered" if both measures are directed, else
        "unordered"), n (pairs with both), rho (Spearman), p, p_adjusted (Benjamini-Hochberg, separately over the rows
        across methods and over those within one), orders (of the classes, the real one included), null ("all orders" or
        "random orders"), undefined (why rho and p are NaN; "" if they are not).
    """
    classes = len(next(iter(matrices.values())))
    orders, exact = orders_of(classes, permutations, seed)
    rows = []
    for one, other in itertools.combinations(matrices, 2):
        directed = MEASURES[one].directed and MEASURES[other].directed
        found = asdict(correlate(matrices[one], matrices[other], orders, directed=directed))
        across = MEASURES[one].method != MEASURES[other].method
        about = {"measure": one, "other": other, "across": across, "pairs": "ordered" if directed else "unordered"}
        rows.append(about | found | {"orders": len(orders), "null": "all orders" if exact else "random orders"})
    table = pd.DataFrame(rows)
    table.insert(list(table).index("p") + 1, "p_adjusted", table.groupby("across")["p"].transform(benjamini_hochberg))
    return table[[name for name in table if name != "undefined"] + ["undefined"]]
