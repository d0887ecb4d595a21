"""Tidy tables of the statistics of C and R: of one set of prototypes, over initialisations and seeds, C against R."""

import math
from collections.abc import Hashable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from workflow_lib.dissimilarity.cosine import Tensor
from workflow_lib.dissimilarity.summary import EDGES, Selection, Summaries
from workflow_lib.statistics import paired

REPEATS = ("seed", "initialisation")
"""Columns that number repeats: networks of one model, and starts of one network's prototypes."""

KINDS = ("tensor", "include_self", "unconverged")
"""Columns that say what a row describes: C or R, and the selection of entries."""

TENSORS: tuple[Tensor, ...] = ("C", "R")

VALUES = ("mean", "std", "outlier_share")


def statistics_table(summaries: Summaries) -> pd.DataFrame:
    """A row per tensor and selection: KINDS, count, mean, std (ddof 0), outliers, outlier_share.

    Mean, std and outlier_share are NaN if nothing is selected.
    """
    return pd.DataFrame(
        [
            {
                "tensor": tensor,
                **asdict(selection),
                "count": summary.count,
                "mean": summary.mean,
                "std": summary.std,
                "outliers": summary.outliers,
                "outlier_share": summary.outlier_share,
            }
            for (tensor, selection), summary in summaries.items()
        ]
    )


def class_table(summaries: Summaries, selection: Selection, names: Sequence[str]) -> pd.DataFrame:
    """A row per class c: class_name, C (mean over C[., c, .], origin c), R (over R[c, ., .], target c).

    C and R are NaN if nothing is selected.
    """
    C, R = (summaries[tensor, selection].by_class for tensor in TENSORS)
    return pd.DataFrame({"class_name": list(names), "C": C, "R": R})


def pair_table(summaries: Summaries, selection: Selection, names: Sequence[str]) -> pd.DataFrame:
    """A row per tensor and ordered pair of classes: tensor, class_name, other_class, mean.

    For C the classes are target and other, averaged over origins; for R origin and other, averaged over targets.
    """
    n = len(names)
    first, second = np.repeat(np.array(names, dtype=object), n), np.tile(np.array(names, dtype=object), n)
    pairs = pd.DataFrame({"class_name": first, "other_class": second})
    parts = [pairs.assign(tensor=t, mean=summaries[t, selection].by_pair.ravel()) for t in TENSORS]
    return pd.concat(parts, ignore_index=True)[["tensor", "class_name", "other_class", "mean"]]


def histogram_table(summaries: Summaries, selection: Selection) -> pd.DataFrame:
    """A row per tensor and bin: tensor, low, high (dissimilarity), count of entries."""
    bins = pd.DataFrame({"low": EDGES[:-1], "high": EDGES[1:]})
    parts = [bins.assign(tensor=t, count=summaries[t, selection].histogram) for t in TENSORS]
    return pd.concat(parts, ignore_index=True)[["tensor", "low", "high", "count"]]


def aggregate_table(sets: pd.DataFrame) -> pd.DataFrame:
    """Means over initialisations, then over seeds, with the spread over both (docs/science.md 2.5).

    Args:
        sets: rows of `statistics_table` for many sets of prototypes, with columns seed and initialisation, and any
            others (study, model, interval, …) that identify what is not averaged.

    Returns:
        A row for each combination of those others: seeds, sets (how many have a value; sets without one are left out);
        then for each of mean, std and outlier_share the mean over seeds of the mean over initialisations (`mean` is a
        mean of means, `std` a mean of standard deviations), and two spreads, standard deviations with ddof 1:
        `…_initialisations` within a seed (root of the mean variance over seeds with two or more initialisations) and
        `…_seeds` of the seeds' means. The spread of a single value is NaN.
    """
    keys = _keys(sets, [*VALUES, "count", "outliers"])
    known = sets.dropna(subset=["mean"])
    within = known.groupby([*keys, "seed"], sort=False)[list(VALUES)]
    means = within.mean().groupby(keys, sort=False)
    parts: list[pd.DataFrame | pd.Series[Any]] = [
        within.size().groupby(keys, sort=False).agg(seeds="size", sets="sum"),
        means.mean(),
        within.var().groupby(keys, sort=False).mean().map(math.sqrt).add_suffix("_initialisations"),
        means.std().add_suffix("_seeds"),
    ]
    columns = [c for v in VALUES for c in (v, f"{v}_initialisations", f"{v}_seeds")]
    found = pd.concat(parts, axis=1)[["seeds", "sets", *columns]]
    table = sets[keys].drop_duplicates().merge(found.reset_index(), on=keys, how="left")
    return table.fillna({"seeds": 0, "sets": 0}).astype({"seeds": "int64", "sets": "int64"})


def contrast_table(classes: pd.DataFrame) -> pd.DataFrame:
    """Test of C against R, paired over classes.

    The n³ entries of a tensor are computed from only n² feature vectors, so they are not independent: a test over
    entries would find any difference significant. Classes come closest to independent units. For class c, C_c is the
    mean of C[., c, .] (images that started at c) and R_c the mean of R[c, ., .] (images optimised for c), each averaged
    over initialisations first, then over seeds.

    Args:
        classes: rows of `class_table` for many sets, with columns seed and initialisation, and at least one other, as
            for `aggregate_table`.

    Returns:
        A row for each combination of those others: classes (with values of both; others are left out), C and R (their
        means over these), difference (C - R), ci_low, ci_high (95 %), t, df, p (two-sided), hedges_dz, undefined.
        If the differences are equal in all classes, or only one class is left, t to hedges_dz and the interval are
        NaN, and `undefined` says why.
    """
    keys = _keys(classes, ["class_name", *TENSORS])
    averaged = classes.groupby([*keys, "class_name", "seed"], sort=False)[list(TENSORS)].mean()
    by_class = averaged.groupby([*keys, "class_name"], sort=False).mean().reset_index()
    return pd.DataFrame([_contrast(group.dropna(), keys, key) for key, group in by_class.groupby(keys, sort=False)])


def _contrast(group: pd.DataFrame, keys: Sequence[str], key: tuple[Hashable, ...]) -> dict[Hashable, Any]:
    test = paired(group["C"], group["R"])
    return {
        **dict(zip(keys, key, strict=True)),
        "classes": test.n,
        "C": group["C"].mean(),
        "R": group["R"].mean(),
        "difference": test.diff,
        **{name: getattr(test, name) for name in ("ci_low", "ci_high", "t", "df", "p", "hedges_dz", "undefined")},
    }


def _keys(table: pd.DataFrame, values: Sequence[str]) -> list[str]:
    """Columns that are neither values nor REPEATS."""
    return [str(column) for column in table if column not in values and column not in REPEATS]
