"""All that k* says about each class, in one table."""

from typing import TYPE_CHECKING

import pandas as pd

from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.kstar.summary import summarize, summarize_pieces
from workflow_lib.kstar.uncertainty import bootstrap

if TYPE_CHECKING:
    import numpy.typing as npt

    from workflow_lib.names import Metric, Skewness


def kstar_report(
    features: "npt.ArrayLike",
    labels: "npt.ArrayLike",
    metric: "Metric" = "euclidean",
    *,
    skewness: "Skewness" = "anchored",
    threshold: float = 0.5,
    seed: int = 0,
) -> pd.DataFrame:
    """k* of each class: its distribution, pattern, uncertainty and pieces.

    Args:
        features: (N, d) real numbers, as for `neighbourhood`.
        labels: (N,) integers or strings.
        metric: "euclidean", "cityblock", "chebyshev" or "cosine".
        skewness: "anchored" or "plain", as for `summarize`.
        threshold: of the patterns.
        seed: seed of the bootstrap.

    Returns:
        A row per class, in sorted order of the labels, with the columns of `summarize`, `bootstrap` and
        `summarize_pieces`.

    Raises:
        UserError: as `neighbourhood` and `summarize`.

    Examples:
        >>> import numpy as np
        >>> from latent_atlas import kstar_report
        >>> random = np.random.default_rng(0)
        >>> features = np.concatenate([random.normal(0, 1, (50, 2)), random.normal(6, 1, (50, 2))])
        >>> labels = ["cat"] * 50 + ["dog"] * 50
        >>> kstar_report(features, labels)[["label", "n", "mean", "pattern", "made_of"]].round(2)
          label   n  mean    pattern    made_of
        0   cat  50  1.00  Clustered  one piece
        1   dog  50  0.99  Clustered  one piece
    """
    found = neighbourhood(features, labels, metric)
    classes = summarize(found.kappa, labels, skewness, threshold)
    intervals = bootstrap(found.kappa, labels, skewness, threshold, seed=seed)
    return classes.merge(intervals, on="label").merge(summarize_pieces(found.piece, labels), on="label")
