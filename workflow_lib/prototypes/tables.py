"""Tables of a prototype study: by set, interval and pair of classes (docs/science.md 2)."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from workflow_lib.dissimilarity import cosine
from workflow_lib.dissimilarity.measures import quality
from workflow_lib.dissimilarity.store import stored
from workflow_lib.dissimilarity.summary import Selection, summarise
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


def set_points(grids: Iterable[Grid], parts: Sequence[str] = POINT) -> list[dict[str, Any]]:
    """All sets of a study, or with `OF_LAYER` all layers of each, grid after grid; the last part varies fastest."""
    return [
        dict(zip(parts, values, strict=True))
        for grid in grids
        for values in itertools.product(*(grid[part] for part in parts))
    ]


def prototype_tables(
    points: Sequence[Mapping[str, Any]],
    sets: Iterable[tuple[xr.Dataset, xr.Dataset | None, xr.Dataset]],
    selection: Selection,
) -> dict[str, pd.DataFrame]:
    """Tables of C and R.

    Args:
        points: model, seed, interval, initialisation and layer of each store of C and R.
        sets: for each, the store of its prototypes, that of their nearest adversarial images if these have features of
            the layer, and that of features, C and R at the layer; the layers of a set follow each other.
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
            included), m_adv (NaN for none), adversarial_images (how many of these have one; both empty without a
            store of these), C and R (their means without self entries).
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in ("sets", "classes", "pairs", "histograms", "quality")}
    for point, stores in zip(points, sets, strict=True):
        for name, table in _of_one(*stores, selection).items():
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


def _of_one(
    images: xr.Dataset, attacked: xr.Dataset | None, tensors: xr.Dataset, selection: Selection
) -> dict[str, pd.DataFrame]:
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
        "quality": _quality_of(tensors, converged, attacked, selection).assign(
            **{tensor: found[tensor, both[0]].mean for tensor in TENSORS}
        ),
    }


def _quality_of(
    tensors: xr.Dataset, converged: np.ndarray, attacked: xr.Dataset | None, selection: Selection
) -> pd.DataFrame:
    """M_g and M_adv of the class prototypes that are included; NaN for fewer than two, or without adversarial image."""
    names, every = tensors["target"].values.astype(object), np.arange(tensors.sizes["target"])
    counted = every[converged[every, every] | (selection.unconverged == "keep")]
    features = tensors["features"].values[counted, counted]
    row: dict[str, float] = {"m_g": np.nan, "m_g_zero_diagonal": np.nan, "class_prototypes": len(counted)}
    if len(counted) > 1:
        found = quality(features, [names[k] for k in counted])
        row |= {"m_g": found.off_diagonal, "m_g_zero_diagonal": found.zero_diagonal}
    if attacked is None:
        return pd.DataFrame([row]).assign(m_adv=np.nan, adversarial_images=pd.array([pd.NA], "Int64"))
    # Those without adversarial image, or one with features of zeros, are left out.
    nearest = attacked["features"].values[counted]
    known = attacked["found"].values[counted] & nearest.any(axis=1)
    own, other = (cosine.unit_vectors(values[known]) for values in (features, nearest))
    row["m_adv"] = 1 - np.mean((own * other).sum(axis=1)) if known.any() else np.nan
    return pd.DataFrame([row]).assign(adversarial_images=pd.array([known.sum()], "Int64"))


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
