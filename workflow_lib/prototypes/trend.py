"""Do M_g, C and R tell how accurate a network is? Rank correlations with test accuracy (docs/science.md 2.8)."""

import pandas as pd

from workflow_lib.correlation import Correlation, spearman

MEASURES = ("m_g", "m_adv", "C", "R")
"""Columns of the table of quality that need no data; a table may lack some."""
AVERAGED = ["model", "layer", "seed", "interval"]
"""What identifies a pair of numbers: all but the initialisation."""


def quality_trend(quality: pd.DataFrame) -> pd.DataFrame:
    """Rank correlation of each measure with test accuracy, over the seeds and intervals of a model.

    A pair of numbers is a network at an interval: the mean of the measure over initialisations, and the accuracy.
    The intervals of a network (a model with a seed) depend on each other, so the interval of the correlation comes from
    draws of networks. Where there are few of them, it comes from draws of pairs, as if these were independent, and
    is too narrow.

    Args:
        quality: model, layer, seed, interval, initialisation, accuracy and some of `MEASURES`; NaN is left out.

    Returns:
        Rows for each model, layer and measure, then, if a layer is that of several models, for all of them together,
        with model "". The columns: model, layer, measure, networks (number with both values), and those of
        `Correlation`; n is the number of networks at an interval with both values.
    """
    measures = [name for name in MEASURES if name in quality]
    means = quality.groupby(AVERAGED, sort=False)[[*measures, "accuracy"]].mean().reset_index()
    parts = [(str(model), str(layer), part) for (model, layer), part in means.groupby(["model", "layer"], sort=False)]
    together = ((str(layer), part) for layer, part in means.groupby("layer", sort=False))
    parts += [("", layer, part) for layer, part in together if part["model"].nunique() > 1]
    rows = [(model, layer, measure, *_correlate(part, measure)) for model, layer, part in parts for measure in measures]
    return pd.DataFrame(rows, columns=["model", "layer", "measure", "networks", *Correlation._fields])


def _correlate(part: pd.DataFrame, measure: str) -> tuple[int | float | str | None, ...]:
    known = part.dropna(subset=[measure, "accuracy"])
    networks = known.groupby(["model", "seed"]).ngroup()
    return networks.nunique(), *spearman(known[measure], known["accuracy"], networks)
