"""Tables of a k* study: a row per class, its pieces, the aggregates of docs/science.md 1.5, and all seeds together."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr

from workflow_lib.kstar.summary import summarize, summarize_pieces
from workflow_lib.kstar.uncertainty import bootstrap
from workflow_lib.names import Skewness
from workflow_lib.points import DIMENSIONS

PATTERNS = ("Fractured", "Overlapped", "Clustered")
EVERY_PATTERN = (*PATTERNS, "Undefined")
VALUES = ("mean", "skewness", "accuracy")


def class_table(
    points: Iterable[Mapping[str, Any]],
    stores: Iterable[xr.Dataset],
    skewness: Skewness = "anchored",
    threshold: float = 0.5,
    strengths: Mapping[str, float | None] | None = None,
) -> pd.DataFrame:
    """Table with a row for each point of a study and each class with samples.

    Args:
        points: values of the eight dimensions, in the order of `stores`.
        stores: k* stores with `kappa` and `label` (sample), `prediction` (sample) if known, and the attributes
            `class_names` and `left_out` (number of samples), by label. Stores of approximate k* also have `censored`
            (sample), and the attributes `checked` and `agreed`, by label.
        skewness: "anchored" or "plain" (docs/science.md 1.2).
        threshold: skewness beyond which a class is fractured or clustered (docs/science.md 1.3).
        strengths: strength of each transform, by name; None for a transform without one.

    Returns:
        The eight dimensions, then strength (of the transform; NaN if it has none), label (int), class_name, n
        (samples), left_out (samples without k*), censored (samples whose approximate k* is a lower bound), agreement
        (share of the checked samples whose approximate k* is right; NaN if k* is exact); mean, std (ddof 0), skewness
        and pattern of k*; mean_low, mean_high, skewness_low, skewness_high and pattern_share, from
        `uncertainty.bootstrap`; accuracy (share of the n samples predicted correctly, 0 to 1; NaN without predictions)
        and attack_success (share of the n samples for which an attack on the network succeeded, 0 to 1; NaN without an
        attack).
        Plain skewness of a constant class is NaN and its pattern "Undefined". Censored samples have their lower bound;
        if k* = 1 for them, the upper bound, would give another pattern, skewness and pattern are undefined as well.
    """
    table = _at_points(points, (_classes(store, skewness, threshold) for store in stores))
    table.insert(len(DIMENSIONS), "strength", table["transform"].map(dict(strengths or {})).astype(np.float64))
    return table


def piece_table(points: Iterable[Mapping[str, Any]], stores: Iterable[xr.Dataset]) -> pd.DataFrame:
    """Table with a row for each point of a study and each class: the pieces that it lies in (docs/science.md 1.9).

    Args:
        points: values of the eight dimensions, in the order of `stores`.
        stores: k* stores, as for `class_table`, with `piece` (sample).

    Returns:
        The eight dimensions, then label (int), class_name and the columns of `summary.summarize_pieces`.
    """
    tables = (_named(summarize_pieces(store["piece"].values, store["label"].values), store) for store in stores)
    return _at_points(points, tables)


def _at_points(points: Iterable[Mapping[str, Any]], tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """One table of all points; the dimensions of each point come before its columns."""
    parts = [
        pd.DataFrame({d: [point[d]] for d in DIMENSIONS}).merge(table, how="cross")
        for point, table in zip(points, tables, strict=True)
    ]
    return pd.concat(parts, ignore_index=True)


def _named(table: pd.DataFrame, store: xr.Dataset) -> pd.DataFrame:
    """The table with the names of its classes after their labels."""
    table.insert(1, "class_name", np.array(store.attrs["class_names"], dtype=object)[table["label"]])
    return table


def _classes(store: xr.Dataset, skewness: Skewness, threshold: float) -> pd.DataFrame:
    kappa, labels = store["kappa"].values, store["label"].values
    table = _named(summarize(kappa, labels, skewness, threshold), store)
    table.insert(3, "left_out", np.array(store.attrs["left_out"])[table["label"]])
    censored = store["censored"].values if "censored" in store else np.zeros(len(kappa), bool)
    table.insert(4, "censored", np.bincount(labels[censored], minlength=len(store.attrs["left_out"]))[table["label"]])
    table.insert(5, "agreement", _agreement(store, table["label"]))
    table = table.merge(bootstrap(kappa, labels, skewness, threshold), on="label")
    highest = np.where(censored, np.bincount(labels)[labels], kappa)
    unknown = table["pattern"] != summarize(highest, labels, skewness, threshold)["pattern"]
    table.loc[unknown, ["skewness", "skewness_low", "skewness_high", "pattern_share"]] = float("nan")
    table.loc[unknown, "pattern"] = "Undefined"
    right = store["prediction"].values == labels if "prediction" in store.coords else None
    table["accuracy"] = _shares(right, labels)
    succeeded = store["attack_success"].values if "attack_success" in store.coords else None
    table["attack_success"] = _shares(succeeded, labels)
    return table


def _shares(hits: npt.NDArray[np.bool_] | None, labels: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Share of each class, in the order of the labels as in the summary, for which `hits` is true; NaN without it."""
    if hits is None:
        return np.full(len(np.unique(labels)), np.nan)
    return pd.Series(hits).groupby(labels).mean().to_numpy()


def _agreement(store: xr.Dataset, labels: pd.Series) -> npt.NDArray[np.float64] | float:
    """Share of the checked samples of each of these classes whose approximate k* is right; NaN if none was checked."""
    if "checked" not in store.attrs:
        return float("nan")
    checked, agreed = (np.array(store.attrs[name], dtype=np.float64)[labels] for name in ("checked", "agreed"))
    share: npt.NDArray[np.float64] = np.divide(agreed, checked, out=np.full(len(labels), np.nan), where=checked > 0)
    return share


def aggregate_table(classes: pd.DataFrame) -> pd.DataFrame:
    """Number of classes and means of their values, per point and pattern (docs/science.md 1.5).

    Args:
        classes: from `class_table`.

    Returns:
        The eight dimensions, pattern (Fractured, Overlapped, Clustered, All), n_classes, then the means of mean,
        skewness and accuracy over the classes. A pattern without classes has n_classes 0 and NaN elsewhere. "All"
        includes classes of undefined skewness, but its mean skewness does not.
    """
    parts = [classes[classes["pattern"] == pattern].assign(pattern=pattern) for pattern in PATTERNS]
    rows = pd.concat([*parts, classes.assign(pattern="All")])
    values = {value: (value, "mean") for value in VALUES}
    found = rows.groupby([*DIMENSIONS, "pattern"], sort=False).agg(n_classes=("label", "size"), **values)
    points = classes[list(DIMENSIONS)].drop_duplicates()
    every = points.merge(pd.DataFrame({"pattern": [*PATTERNS, "All"]}), how="cross")
    table = every.merge(found.reset_index(), on=[*DIMENSIONS, "pattern"], how="left")
    return table.assign(n_classes=table["n_classes"].fillna(0).astype("int64"))


def seed_table(classes: pd.DataFrame) -> pd.DataFrame:
    """What the seeds of a study agree on, per point without its seed and per class (docs/science.md 1.10).

    Args:
        classes: from `class_table`.

    Returns:
        The dimensions without seed, then label, class_name, seeds (their number), mean (of the class means), std (of
        the class means over seeds, ddof 1; NaN for one seed), and the number of seeds with each pattern: fractured,
        overlapped, clustered, undefined.
    """
    keys = [*(d for d in DIMENSIONS if d != "seed"), "label", "class_name"]
    counted = {pattern.lower(): (pattern, "sum") for pattern in EVERY_PATTERN}
    rows = classes.assign(**{pattern: classes["pattern"] == pattern for pattern in EVERY_PATTERN})
    groups = rows.groupby(keys, sort=False, as_index=False)
    return groups.agg(seeds=("seed", "nunique"), mean=("mean", "mean"), std=("mean", "std"), **counted)
