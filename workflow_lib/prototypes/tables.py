"""Tables of a prototype study: by set, interval, pair of classes, and of boundary images (docs/science.md 2)."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from workflow_lib.dissimilarity import cosine
from workflow_lib.dissimilarity.measures import quality
from workflow_lib.dissimilarity.store import stored
from workflow_lib.dissimilarity.summary import Selection, Unconverged, summarise
from workflow_lib.dissimilarity.tables import (
    TENSORS,
    aggregate_table,
    class_table,
    contrast_table,
    histogram_table,
    pair_table,
    statistics_table,
)
from workflow_lib.points import Grid

POINT = ("model", "seed", "interval", "initialisation")
"""What identifies a set, in the order of result paths and table columns."""

OF_LAYER = (*POINT, "layer")
"""What identifies the features of a set at a layer, in the same order."""

OF_INTERVAL = ["model", "interval"]

BOUNDARY_NUMBERS = ["share", "dissimilarity_to_origin", "dissimilarity_to_target"]


def set_points(grids: Iterable[Grid], parts: Sequence[str] = POINT) -> list[dict[str, Any]]:
    """All sets of a study, or with `OF_LAYER` all layers of each, grid after grid; the last part varies fastest."""
    return [
        dict(zip(parts, values, strict=True))
        for grid in grids
        for values in itertools.product(*(grid[part] for part in parts))
    ]


def prototype_tables(
    points: Sequence[Mapping[str, Any]],
    prototypes: Iterable[xr.Dataset],
    dissimilarities: Iterable[xr.Dataset],
    selection: Selection,
) -> dict[str, pd.DataFrame]:
    """Tables of C and R.

    Args:
        points: model, seed, interval, initialisation and layer of each store of C and R.
        prototypes: stores of the sets, in the same order; a set comes once for each of its layers.
        dissimilarities: stores of features, C and R, in the same order.
        selection: which entries are included.

    Returns:
        sets: a row per set, layer, tensor and include_self (both, for any selection): count, mean, std (ddof 0),
            outliers (|z| > 3), outlier_share; n_classes, converged, unconverged (prototypes), hits (share that the
            network classifies as their target), steps_median.
        intervals: over the sets of each model, interval and layer, with and without self: see `aggregate_table`.
        tests: of C against R, for each model, interval and layer: see `contrast_table`.
        pairs: mean by model, interval, layer, tensor and two classes, over the sets; no pairs of a class with itself.
        histograms: count by model, interval, layer, tensor and bin, over the sets; empty bins are absent.
        quality: a row per set and layer: m_g, m_g_zero_diagonal (NaN for fewer than two), class_prototypes (number
            included), C and R (their means without self entries).
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in ("sets", "classes", "pairs", "histograms", "quality")}
    for point, images, tensors in zip(points, prototypes, dissimilarities, strict=True):
        for name, table in _of_one(images, tensors, selection).items():
            parts[name].append(pd.DataFrame({key: [point[key]] for key in OF_LAYER}).merge(table, how="cross"))
    tables = {name: pd.concat(part, ignore_index=True) for name, part in parts.items()}
    plain = tables["sets"].drop(columns=[*SET_COLUMNS, "unconverged_entries"])
    pairs = tables["pairs"].query("class_a != class_b")
    bins = tables["histograms"].query("count > 0")
    bins = bins.assign(layer=pd.Categorical(bins["layer"], bins["layer"].unique()))  # sorted as in the study
    histograms = bins.groupby([*OF_INTERVAL, "layer", "tensor", "low", "high"], observed=True)
    return {
        "sets": tables["sets"],
        "intervals": aggregate_table(plain).rename(columns=SPREADS),
        "tests": contrast_table(tables["classes"]),
        "pairs": pairs.groupby([*OF_INTERVAL, "layer", "tensor", *CLASSES], sort=False)["mean"].mean().reset_index(),
        "histograms": histograms["count"].sum().reset_index().astype({"layer": str}),
        "quality": tables["quality"],
    }


CLASSES = ("class_a", "class_b")
CLASSES_OF = {"class_name": "class_a", "other_class": "class_b"}
SPREADS = {"mean_initialisations": "spread_initialisations", "mean_seeds": "spread_seeds"}
SET_COLUMNS = ("n_classes", "converged", "unconverged", "hits", "steps_median")


def _of_one(images: xr.Dataset, tensors: xr.Dataset, selection: Selection) -> dict[str, pd.DataFrame]:
    """The rows of one set."""
    names = [str(name) for name in images["target"].values]
    converged, n = images["converged"].values, len(names)
    both = [Selection(include_self, selection.unconverged) for include_self in (False, True)]
    found = summarise(stored(tensors), converged, selections=both)
    statistics = statistics_table(found).rename(columns={"unconverged": "unconverged_entries"})
    hits = images["predicted"].values == np.arange(n)[:, None]
    about = (n, int(converged.sum()), int((~converged).sum()), hits.mean(), np.median(images["steps"].values))
    return {
        "sets": statistics.assign(**dict(zip(SET_COLUMNS, about, strict=True))),
        "classes": class_table(found, selection, names),
        "pairs": pair_table(found, selection, names).rename(columns=CLASSES_OF),
        "histograms": histogram_table(found, selection),
        "quality": _quality_of(tensors["features"], converged, selection, names).assign(
            **{tensor: found[tensor, both[0]].mean for tensor in TENSORS}
        ),
    }


def _quality_of(
    features: xr.DataArray, converged: np.ndarray, selection: Selection, names: Sequence[str]
) -> pd.DataFrame:
    """M_g of the class prototypes that are included; NaN for fewer than two."""
    every = np.arange(len(names))
    counted = every[converged[every, every] | (selection.unconverged == "keep")]
    row: dict[str, float] = {"m_g": np.nan, "m_g_zero_diagonal": np.nan, "class_prototypes": len(counted)}
    if len(counted) > 1:
        found = quality(features.values[counted, counted], [names[k] for k in counted])
        row |= {"m_g": found.off_diagonal, "m_g_zero_diagonal": found.zero_diagonal}
    return pd.DataFrame([row])


def accuracies(points: Iterable[Mapping[str, Any]], features: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Accuracy of networks.

    Args:
        points: model, seed and interval of each store.
        features: stores with `prediction` and `label`.

    Returns:
        model, seed, interval, accuracy (0 to 1; NaN without predictions).
    """
    rows = [
        {
            **point,
            "accuracy": float((store["prediction"] == store["label"]).mean()) if "prediction" in store else np.nan,
        }
        for point, store in zip(points, features, strict=True)
    ]
    return pd.DataFrame(rows)


def boundary_table(points: Sequence[Mapping[str, Any]], sets: Iterable[tuple[xr.Dataset, xr.Dataset]]) -> pd.DataFrame:
    """A row per set, route and ordered pair of classes.

    Args:
        points: of the sets.
        sets: for each, the store of boundaries, and one with the features of its prototypes at the same layer.

    Returns:
        The point, route, origin, target, converged (the images at both ends of the route), found, share (of the length
        of the route, from the origin, 0 to 1), difference (of the logits), dissimilarity_to_origin and
        dissimilarity_to_target: to the features of the two class prototypes (docs/science.md 2.4). NaN if none was
        found, or if its features are all zero.
    """
    parts = [
        pd.DataFrame({key: [point[key]] for key in POINT}).merge(pd.concat(_pairs(*stores)), how="cross")
        for point, stores in zip(points, sets, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _pairs(boundaries: xr.Dataset, features: xr.Dataset) -> Iterator[pd.DataFrame]:
    """Rows of one set, one target at a time."""
    names = features["target"].values.astype(object)
    n = len(names)
    converged = features["converged"].values
    ends = cosine.unit_vectors(features["features"].values[np.arange(n), np.arange(n)][None])[0]
    for target in range(n):
        origins = np.delete(np.arange(n), target)
        row = boundaries.isel(target=target, origin=origins)
        with np.errstate(invalid="ignore"):  # NaN if none was found, and features of zeros, which have no direction
            units = cosine.unit_vectors(row["features"].values)
        reached = {"line": converged[target, target], "path": converged[target, origins]}
        for route, name in enumerate(row["route"].values):
            yield pd.DataFrame(
                {
                    "route": str(name),
                    "origin": names[origins],
                    "target": names[target],
                    "converged": converged[origins, origins] & reached[str(name)],
                    "found": row["found"].values[route],
                    "share": row["share"].values[route],
                    "difference": row["difference"].values[route],
                    "dissimilarity_to_origin": 1 - (units[route] * ends[origins]).sum(-1),
                    "dissimilarity_to_target": 1 - units[route] @ ends[target],
                }
            )


def boundary_intervals(boundaries: pd.DataFrame, unconverged: Unconverged) -> pd.DataFrame:
    """Over the sets and pairs of each model, interval and route.

    Args:
        boundaries: from `boundary_table`.
        unconverged: "leave_out" includes only pairs whose images at both ends of the route converged; "keep" all.

    Returns:
        model, interval, route, share_mean, share_std (ddof 0), to_origin_mean, to_target_mean, found (share of the
        pairs included), n (pairs included). NaN if none is included, or none of them was found.
    """
    counted = boundaries["converged"] | (unconverged == "keep")
    values = boundaries[[*BOUNDARY_NUMBERS, "found"]].astype(float).where(counted)
    keys = boundaries[[*OF_INTERVAL, "route"]]
    groups = pd.concat([keys, values], axis="columns").groupby([*OF_INTERVAL, "route"], sort=False)
    return groups.agg(
        share_mean=("share", "mean"),
        share_std=("share", lambda values: values.std(ddof=0)),
        to_origin_mean=("dissimilarity_to_origin", "mean"),
        to_target_mean=("dissimilarity_to_target", "mean"),
        found=("found", "mean"),
        n=("found", "count"),
    ).reset_index()
