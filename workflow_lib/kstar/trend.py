"""Rank correlations over all rows of a study: does accuracy rise with k*? (docs/science.md 1.11)."""

from collections.abc import Collection, Mapping
from typing import Any

import pandas as pd

from workflow_lib.correlation import Correlation, spearman
from workflow_lib.names import ORIGINAL

AGAINST_STRENGTH = ("accuracy", "mean", "skewness")
"""What is compared with the strength of transforms."""


def trend_table(classes: pd.DataFrame, scales: Mapping[str, Collection[str]] | None = None) -> pd.DataFrame:
    """Rank correlations over all rows of a study.

    Rows of one network depend on each other: its layers and metrics share their accuracies. So the interval comes from
    draws of networks, each a model with a seed. Where there are few of them, it comes from draws of rows, as if these
    were independent, and is too narrow if a study varies layers or metrics.

    Args:
        classes: from `tables.class_table`.
        scales: names of the transforms by what their strength measures. `original` counts as strength 0.

    Returns:
        Rows of accuracy against mean and against skewness, over all rows; then, for each scale on which there are
        several strengths, of accuracy, mean and skewness against the strength, over the rows of its transforms. The
        columns: value, against, scale (None over all rows), and those of `Correlation`; n is the number of rows that
        have both.
    """
    overall = ("mean", "skewness")
    rows: list[tuple[Any, ...]] = [
        ("accuracy", against, None, *_correlate(classes, "accuracy", against)) for against in overall
    ]
    for scale, names in (scales or {}).items():
        part = classes[classes["transform"].isin(names)]
        part = part.assign(strength=part["strength"].where(part["transform"] != ORIGINAL, 0.0))
        if part["strength"].nunique() > 1:
            rows += [(value, "strength", scale, *_correlate(part, value, "strength")) for value in AGAINST_STRENGTH]
    return pd.DataFrame(rows, columns=["value", "against", "scale", *Correlation._fields])


def _correlate(rows: pd.DataFrame, value: str, against: str) -> Correlation:
    return spearman(rows[value], rows[against], rows.groupby(["model", "seed"]).ngroup())
