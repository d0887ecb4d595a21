"""Samples of Fractured classes that are worth a look, by their ids: typical ones of each piece, and suspects."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workflow_lib.points import DIMENSIONS

PIECES = 5
"""Pieces of a class that are represented, the largest ones."""
SUSPECTS = 10
COLUMNS = ["label", "kind", "piece", "sample", "kappa", "foreign_sample", "foreign_label", "foreign_distance"]


def example_table(
    points: Iterable[Mapping[str, Any]], stores: Iterable[xr.Dataset], classes: pd.DataFrame
) -> pd.DataFrame:
    """Table of samples of each Fractured class.

    Typical: the sample of a piece with the largest kappa, of equal ones that farthest from any foreign sample; of the
    five largest pieces, without those of one sample. Suspect: the ten samples with the smallest kappa, of equal ones
    those nearest to a foreign sample. These are the first to check for a wrong label.

    Args:
        points: values of the dimensions, in the order of `stores`.
        stores: k* stores: kappa, nearest_foreign, nearest_foreign_distance, piece, label and the ids `sample`; the
            attribute class_names. A piece or nearest_foreign of -1 is not known, and its sample is no example.
        classes: from `tables.class_table`, of the same points.

    Returns:
        The dimensions, then label (int), class_name, kind ("typical" or "suspect"), piece (number within the class, 0
        the largest), sample (id), kappa, and of the nearest foreign sample foreign_sample (id), foreign_class (name)
        and foreign_distance. No rows if no class is Fractured.
    """
    fractured = classes[classes["pattern"] == "Fractured"].groupby(list(DIMENSIONS))["label"].agg(list)
    parts = []
    for point, store in zip(points, stores, strict=True):
        place = tuple(point[d] for d in DIMENSIONS)
        rows = _named(list(_rows(store, fractured.get(place, []))), store.attrs["class_names"])
        parts.append(pd.DataFrame([place], columns=list(DIMENSIONS)).merge(rows, how="cross"))
    return pd.concat(parts, ignore_index=True)


def _named(rows: list[tuple[Any, ...]], class_names: list[str]) -> pd.DataFrame:
    """Rows of `COLUMNS` with the names of classes, the own one after its label and the foreign one for its label."""
    table, names = pd.DataFrame(rows, columns=COLUMNS), np.array(class_names, dtype=object)
    table.insert(1, "class_name", names[table["label"].astype(int)])
    table["foreign_label"] = names[table["foreign_label"].astype(int)]
    return table.rename(columns={"foreign_label": "foreign_class"})


def _rows(store: xr.Dataset, fractured: Iterable[int]) -> Iterator[tuple[Any, ...]]:
    labels, kappa, piece = (store[name].values for name in ("label", "kappa", "piece"))
    foreign, distance = store["nearest_foreign"].values, store["nearest_foreign_distance"].values
    ids = store["sample"].values
    for label in fractured:
        own = np.flatnonzero((labels == label) & (foreign >= 0))
        chosen = [("typical", row) for row in _typical(own, kappa, distance, piece)]
        chosen += [("suspect", row) for row in own[np.lexsort((distance[own], kappa[own]))][:SUSPECTS]]
        for kind, row in chosen:
            other = foreign[row]
            yield label, kind, piece[row], ids[row], kappa[row], ids[other], labels[other], distance[row]


def _typical(
    own: npt.NDArray[np.intp], kappa: np.ndarray, distance: np.ndarray, piece: np.ndarray
) -> npt.NDArray[np.intp]:
    """One row for each of the largest pieces of two samples or more."""
    deepest = own[np.lexsort((-distance[own], -kappa[own]))]
    numbers, first, sizes = np.unique(piece[deepest], return_index=True, return_counts=True)
    return deepest[first[(numbers >= 0) & (numbers < PIECES) & (sizes > 1)]]
