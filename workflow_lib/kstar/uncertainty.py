"""How far the summary of a class would move with other samples: a bootstrap (docs/science.md 1.10).

Samples of a class are drawn with replacement and keep their k*: neighbours are not searched again. So the intervals say
how certain the summary of these k* values is, not how they would change in another data set.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from workflow_lib import seeds
from workflow_lib.kstar.summary import SUPPORT_ENDS, pattern_of, summarize
from workflow_lib.names import Skewness

RESAMPLES = 1000
LEVEL = 0.95
"""Share of resamples inside an interval, from the equal tails of their percentiles."""
BLOCK = 2**22
"""Values drawn at a time: 32 MB."""


def bootstrap(
    kappa: npt.ArrayLike,
    labels: npt.ArrayLike,
    skewness: Skewness = "anchored",
    threshold: float = 0.5,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Intervals of the mean and the skewness of k* of each class, and how often its pattern holds.

    Args:
        kappa: as for `summarize`, with the same errors; so are the next three.
        labels: one for each kappa.
        skewness: "anchored" or "plain".
        threshold: of the patterns.
        seed: seed of the draws; those of a class depend on it, the label and the class's own values only.

    Returns:
        A row per class, in sorted order of the labels: label, mean_low, mean_high, skewness_low, skewness_high (95 %
        percentile intervals of 1,000 resamples), pattern_share (share of resamples with the pattern of the class, 0 to
        1). Plain skewness is undefined in resamples of one value, which the interval leaves out; NaN if all are.
    """
    classes = summarize(kappa, labels, skewness, threshold)
    ranks, names = np.asarray(kappa), np.asarray(labels)
    rows = []
    for label, n, pattern in zip(classes["label"], classes["n"], classes["pattern"], strict=True):
        generator = seeds.generator("bootstrap", seed, label)
        means, skews = _resampled(np.sort(ranks[names == label]) / n, skewness, generator)
        held = np.mean([pattern_of(skew, threshold) == pattern for skew in skews])
        rows.append((label, *_interval(means), *_interval(skews), held))
    columns = ["label", "mean_low", "mean_high", "skewness_low", "skewness_high", "pattern_share"]
    return pd.DataFrame(rows, columns=columns)


def _resampled(
    values: npt.NDArray[np.float64], skewness: str, generator: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Mean and skewness of each resample, (RESAMPLES,) each."""
    n, ends = len(values), np.array(SUPPORT_ENDS if skewness == "anchored" else [])
    # Powers of values centred at their mean: their sums lose no digits to cancellation.
    centre = values.mean()
    powers = (values - centre) ** np.arange(1, 4)[:, None]  # (3, n)
    fixed = ((ends - centre) ** np.arange(1, 4)[:, None]).sum(axis=1, keepdims=True)  # (3, 1)
    step = max(BLOCK // n, 1)
    sums, constant = np.empty((3, RESAMPLES)), np.empty(RESAMPLES, bool)
    for start in range(0, RESAMPLES, step):
        drawn = generator.integers(0, n, (min(step, RESAMPLES - start), n))
        part = slice(start, start + len(drawn))
        sums[:, part] = [power[drawn].sum(axis=1) for power in powers]
        constant[part] = values[drawn.min(axis=1)] == values[drawn.max(axis=1)]  # the values are sorted
    first, second, third = (sums + fixed) / (n + len(ends))
    variance = second - first**2
    undefined = constant if ends.size == 0 else np.zeros(RESAMPLES, bool)
    with np.errstate(divide="ignore", invalid="ignore"):
        skews = (third - 3 * first * second + 2 * first**3) / variance**1.5
    return sums[0] / n + centre, np.where(undefined, np.nan, skews)


def _interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if known.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
