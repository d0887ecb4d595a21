"""Tables of the boundary images of a prototype study (docs/science.md 2.7)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from workflow_lib.dissimilarity import cosine
from workflow_lib.dissimilarity.summary import Selection, Unconverged, summarise
from workflow_lib.prototypes.tables import OF_INTERVAL, POINT

Stores = Iterable[tuple[xr.Dataset, xr.Dataset]]
"""Of boundaries and of prototypes, for each set."""

NUMBERS = ["share", "dissimilarity_to_origin", "dissimilarity_to_target"]


def boundary_table(points: Sequence[Mapping[str, Any]], sets: Stores) -> pd.DataFrame:
    """A row per set, route and ordered pair of classes.

    Args:
        points: of the sets.
        sets: stores in the same order.

    Returns:
        The point, route, origin, target, converged (the images at both ends of the route), found, share (of the length
        of the route, from the origin, 0 to 1), difference (of the logits), dissimilarity_to_origin and
        dissimilarity_to_target: to the features of the two class prototypes (docs/science.md 2.4). NaN if none was
        found, or if its features are all zero.
    """
    return _of_sets(points, (pd.concat(_pairs(*stores)) for stores in sets))


def dissimilarity_table(points: Sequence[Mapping[str, Any]], sets: Stores, unconverged: Unconverged) -> pd.DataFrame:
    """How dissimilar the boundary images of each set and route are to one another.

    Args:
        points: of the sets.
        sets: stores in the same order.
        unconverged: "leave_out" includes only images of routes of which both ends converged; "keep" all.

    Returns:
        The point, route, relation (same_origin | same_target | both_directions, see `dissimilarities_between`), count
        (pairs of images), mean, std (ddof 0). NaN without pairs.
    """
    return _of_sets(points, (_between(*stores, unconverged) for stores in sets))


def boundary_intervals(boundaries: pd.DataFrame, unconverged: Unconverged) -> pd.DataFrame:
    """Over the sets and pairs of each model, interval and route.

    Args:
        boundaries: from `boundary_table`.
        unconverged: "leave_out" includes only pairs whose images at both ends of the route converged; "keep" all.

    Returns:
        model, interval, route, mean and std (ddof 0) of share, to_origin and to_target, found (share of the pairs
        included), n (pairs included). NaN if none is included, or none of them was found.
    """
    counted = boundaries["converged"] | (unconverged == "keep")
    values = boundaries[[*NUMBERS, "found"]].astype(float).where(counted)
    keys = boundaries[[*OF_INTERVAL, "route"]]
    groups = pd.concat([keys, values], axis="columns").groupby([*OF_INTERVAL, "route"], sort=False)
    columns: dict[str, Any] = {
        f"{number.removeprefix('dissimilarity_')}_{name}": (number, how)
        for number in NUMBERS
        for name, how in (("mean", "mean"), ("std", lambda values: values.std(ddof=0)))
    }
    found: pd.DataFrame = groups.agg(**columns, found=("found", "mean"), n=("found", "count")).reset_index()
    return found


def dissimilarities_between(features: np.ndarray, counted: np.ndarray) -> dict[str, tuple[int, float, float]]:
    """Dissimilarity of boundary images b[k, j], from origin j to target k, to one another (docs/science.md 2.7).

    Args:
        features: (n, n, d), by target and origin; those of images that are not counted may be NaN.
        counted: (n, n) bool, which images are included.

    Returns:
        Number of pairs, mean and standard deviation (ddof 0; NaN without pairs) by relation: `same_origin`, of b[k, j]
        and b[m, j]; `same_target`, of b[k, j] and b[k, m]; `both_directions`, of b[k, j] and b[j, k]. Each pair of
        images counts once.
    """
    counted = counted & np.any(features, axis=-1)  # a vector of zeros has no direction
    filled = np.where(counted[..., None], features, 1)
    found = summarise(cosine.stream(filled), counted, selections=[selection := Selection()])
    reverse = np.concatenate([_reverse(filled, k)[counted[k, :k] & counted[:k, k]] for k in range(len(filled))])
    both = (len(reverse), reverse.mean(), reverse.std()) if len(reverse) else (0, np.nan, np.nan)
    same = {"same_origin": found["C", selection], "same_target": found["R", selection]}
    # C and R have each pair twice.
    return {name: (tensor.count // 2, tensor.mean, tensor.std) for name, tensor in same.items()} | {
        "both_directions": both
    }


def _reverse(features: np.ndarray, target: int) -> np.ndarray:
    """Dissimilarity of the images to a target from all classes before it to those of the other direction."""
    one, other = (cosine.unit_vectors(f) for f in (features[target, :target], features[:target, target]))
    found: np.ndarray = np.clip(1 - (one * other).sum(axis=-1), 0, 2)
    return found


def _of_sets(points: Sequence[Mapping[str, Any]], tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The tables of all sets below each other, with the point of each."""
    parts = [
        pd.DataFrame({key: [point[key]] for key in POINT}).merge(table, how="cross")
        for point, table in zip(points, tables, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _pairs(boundaries: xr.Dataset, prototypes: xr.Dataset) -> Iterator[pd.DataFrame]:
    """Rows of one set, one target at a time."""
    names = prototypes["target"].values.astype(object)
    n = len(names)
    ends = cosine.unit_vectors(prototypes["features"].values[np.arange(n), np.arange(n)][None])[0]
    converged = {str(route): _ends_converged(prototypes, str(route)) for route in boundaries["route"].values}
    for target in range(n):
        origins = np.delete(np.arange(n), target)
        row = boundaries.isel(target=target, origin=origins)
        with np.errstate(invalid="ignore"):  # NaN if none was found, and features of zeros, which have no direction
            units = cosine.unit_vectors(row["features"].values)
        for i, (route, reached) in enumerate(converged.items()):
            yield pd.DataFrame(
                {
                    "route": route,
                    "origin": names[origins],
                    "target": names[target],
                    "converged": reached[target, origins],
                    "found": row["found"].values[i],
                    "share": row["share"].values[i],
                    "difference": row["difference"].values[i],
                    "dissimilarity_to_origin": 1 - (units[i] * ends[origins]).sum(-1),
                    "dissimilarity_to_target": 1 - units[i] @ ends[target],
                }
            )


def _between(boundaries: xr.Dataset, prototypes: xr.Dataset, unconverged: Unconverged) -> pd.DataFrame:
    """The rows of one set."""
    rows = []
    for i, route in enumerate(map(str, boundaries["route"].values)):
        counted = boundaries["found"].values[:, i] & (_ends_converged(prototypes, route) | (unconverged == "keep"))
        found = dissimilarities_between(boundaries["features"][:, i].values, counted)
        rows += [(route, relation, *numbers) for relation, numbers in found.items()]
    return pd.DataFrame(rows, columns=["route", "relation", "count", "mean", "std"])


def _ends_converged(prototypes: xr.Dataset, route: str) -> np.ndarray:
    """Whether the images at both ends of each route converged, (n, n) bool by target and origin."""
    converged: np.ndarray = prototypes["converged"].values
    ends = np.diagonal(converged)
    both: np.ndarray = (ends[:, None] if route == "line" else converged) & ends
    return both
