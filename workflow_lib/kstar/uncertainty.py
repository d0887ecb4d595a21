"""How far the summary of a class would move with other samples: a bootstrap (docs/science.md 1.10).

Samples of a class are drawn with replacement and keep their k*: neighbours are not searched again. So the intervals say
how certain the summary of these k* values is, not how they would change in another data set.
"""

from math import comb

import numpy as np
import numpy.typing as npt
import pandas as pd

from workflow_lib import seeds
from workflow_lib.kstar.summary import SUPPORT_ENDS, pattern_of, summarize
from workflow_lib.names import Skewness

RESAMPLES = 1000
TAILS = (0.025, 0.975)
"""Ends of an interval, as quantiles."""
POWERS = np.arange(1, 7)[:, None]
"""The error of a skewness takes moments up to the sixth."""
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
        A row per class, in sorted order of the labels: label, mean_low, mean_high (95 % percentile interval of 1,000
        resamples), skewness_low, skewness_high (95 % studentised interval), pattern_share (share of resamples with the
        pattern of the class, 0 to 1). Plain skewness of equal values is undefined: its interval is NaN.

    Examples:
        >>> from latent_atlas import bootstrap
        >>> table = bootstrap([3, 3, 1, 1, 2], ["cat", "cat", "cat", "dog", "dog"])
        >>> table[["label", "mean_low", "mean_high", "pattern_share"]].round(2)
          label  mean_low  mean_high  pattern_share
        0   cat      0.33        1.0           0.74
        1   dog      0.50        1.0           0.77
    """
    classes = summarize(kappa, labels, skewness, threshold)
    ranks, names = np.asarray(kappa), np.asarray(labels)
    ends = np.array(SUPPORT_ENDS if skewness == "anchored" else [])
    rows = []
    for label, n, pattern in zip(classes["label"], classes["n"], classes["pattern"], strict=True):
        values = np.sort(ranks[names == label]) / n
        centre = values.mean()
        # Powers of values centred at their mean: their sums lose no digits to cancellation.
        powers = (values - centre) ** POWERS
        sums, constant = _resampled(powers, seeds.generator("bootstrap", seed, label))
        own = skewness_and_error(powers.sum(axis=1), n, ends - centre)
        skews, errors = skewness_and_error(sums, n, ends - centre)
        if not ends.size:
            skews[constant] = np.nan  # their variance may differ from 0 by rounding
        held = np.mean([pattern_of(skew, threshold) == pattern for skew in skews])
        means = np.quantile(sums[0] / n + centre, TAILS)
        rows.append((label, *means, *_interval(own, (skews, errors), constant, n + len(ends)), held))
    columns = ["label", "mean_low", "mean_high", "skewness_low", "skewness_high", "pattern_share"]
    return pd.DataFrame(rows, columns=columns)


def skewness_and_error(
    sums: npt.NDArray[np.float64], n: int, ends: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Skewness of samples together with fixed values, and its standard error by the delta method.

    Args:
        sums: (6,) or (6, m), sums of the first six powers of the n values of one sample, or of each of m.
        n: values of a sample.
        ends: (k,) values that every sample has beside its own.

    Returns:
        Skewness (biased) and its error, each () or (m,); NaN where all values are equal.
    """
    total = n + len(ends)
    shape = (6,) + (1,) * (sums.ndim - 1)
    first, second, third = ((sums + (ends**POWERS).sum(axis=1).reshape(shape)) / total)[:3]
    variance = second - first**2
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.where(variance > 0, variance, np.nan) ** 1.5
        skew = (third - 3 * first * second + 2 * first**3) / scale
        # A value at distance d of the mean moves the skewness by the cubic of these coefficients / total.
        cubic = [np.zeros_like(skew), -3 * variance / scale, -1.5 * skew / variance, 1 / scale]
    raw = [np.ones_like(first), *sums / n]
    moments = [sum(comb(k, j) * raw[j] * (-first) ** (k - j) for j in range(k + 1)) for k in range(7)]
    mean = sum(cubic[i] * moments[i] for i in range(4))
    square = sum(cubic[i] * cubic[j] * moments[i + j] for i in range(4) for j in range(4))
    return skew, np.sqrt(np.maximum(square - mean**2, 0) * n) / total


def _resampled(
    powers: npt.NDArray[np.float64], generator: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Sums of the powers (6, n) of sorted values in each resample, (6, RESAMPLES), and whether its values are equal."""
    n = powers.shape[1]
    step = max(BLOCK // n, 1)
    sums, constant = np.empty((len(powers), RESAMPLES)), np.empty(RESAMPLES, bool)
    for start in range(0, RESAMPLES, step):
        drawn = generator.integers(0, n, (min(step, RESAMPLES - start), n))
        part = slice(start, start + len(drawn))
        sums[:, part] = [power[drawn].sum(axis=1) for power in powers]
        constant[part] = powers[0, drawn.min(axis=1)] == powers[0, drawn.max(axis=1)]
    return sums, constant


def _interval(
    own: tuple[npt.NDArray[np.float64], ...],
    drawn: tuple[npt.NDArray[np.float64], ...],
    constant: npt.NDArray[np.bool_],
    total: int,
) -> tuple[float, float]:
    """Studentised interval of a skewness on the scale of asinh, which evens out its error.

    A percentile interval is too narrow for Fractured classes: hardly a value is far from 0, and a resample without it
    looks less varied than it is. The resample's own error makes up for that. Where too many resamples have no error,
    because few values differ from the others, the percentiles remain.
    """
    skew, error = own
    skews, errors = drawn
    known = ~np.isnan(skews)
    if np.mean(constant) > TAILS[0]:
        low, high = np.quantile(skews[known], TAILS) if known.any() else (np.nan, np.nan)
        return float(low), float(high)
    skews, errors = skews[known], np.maximum(errors[known], 1e-12)
    deviation = (np.arcsinh(skews) - np.arcsinh(skew)) * np.hypot(1, skews) / errors
    most = np.arcsinh((total - 2) / np.sqrt(total - 1))  # no skewness of so many values is larger
    ends = np.arcsinh(skew) - np.quantile(deviation, TAILS[::-1]) * error / np.hypot(1, skew)
    low, high = np.sinh(np.clip(ends, -most, most))
    return float(low), float(high)
