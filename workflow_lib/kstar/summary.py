"""Summary of k* per class: mean, standard deviation, skewness, pattern and pieces (docs/science.md 1.2, 1.3, 1.9)."""

from typing import TYPE_CHECKING, get_args

import numpy as np
import pandas as pd

from workflow_lib.errors import Problem, UserError
from workflow_lib.names import Skewness

if TYPE_CHECKING:
    import numpy.typing as npt

SUPPORT_ENDS = (0.0, 1.0)


def summarize(
    kappa: "npt.ArrayLike",
    labels: "npt.ArrayLike",
    skewness: Skewness = "anchored",
    threshold: float = 0.5,
) -> pd.DataFrame:
    """Per-class summary of k* = kappa / n_c.

    Args:
        kappa: (N,) integers, the rank of each sample's nearest foreign sample, 1 to the size of its class.
        labels: (N,) integers or strings.
        skewness: "anchored" adds 0 and 1, the ends of the support, to the values of the class, as in the paper's
            tables, and is always defined; "plain" uses the values only.
        threshold: skewness above it means "Fractured", below its negative "Clustered", otherwise "Overlapped".

    Returns:
        A row per class, in sorted order of the labels: label, n (samples), mean and std (ddof 0) of k*, in [1/n, 1]
        and [0, 0.5], skewness (biased), pattern. Mean and std always use the plain values. Plain skewness of a class
        whose values are all equal (including a single sample) is NaN and its pattern "Undefined"; nothing else is
        ever NaN.

    Raises:
        UserError: different lengths, a kappa outside 1 to n_c, an unknown skewness, or a negative threshold.

    Examples:
        >>> from latent_atlas import summarize
        >>> summarize([3, 3, 1, 1, 2], ["cat", "cat", "cat", "dog", "dog"]).round(2)
          label  n  mean   std  skewness     pattern
        0   cat  3  0.78  0.31     -0.59   Clustered
        1   dog  2  0.75  0.25     -0.49  Overlapped
    """
    ranks, names = np.asarray(kappa), np.asarray(labels)
    _check(ranks, names, skewness, threshold)
    classes, codes, sizes = np.unique(names, return_inverse=True, return_counts=True)
    _check_range(ranks, codes, sizes)
    rows = []
    for code, (label, size) in enumerate(zip(classes, sizes, strict=True)):
        values = ranks[codes == code] / size
        skew = skewness_of([*values, *SUPPORT_ENDS] if skewness == "anchored" else values)
        rows.append((label, int(size), values.mean(), values.std(), skew, pattern_of(skew, threshold)))
    return pd.DataFrame(rows, columns=["label", "n", "mean", "std", "skewness", "pattern"])


def summarize_pieces(piece: "npt.ArrayLike", labels: "npt.ArrayLike") -> pd.DataFrame:
    """Summary of the pieces of each class.

    Args:
        piece: (N,) integers, number of each sample's piece within its class, 0 the largest; -1 where pieces are not
            known, because k* is approximate.
        labels: (N,) integers or strings.

    Returns:
        A row per class, in sorted order of the labels: label, pieces (their number), effective_pieces (exp of the
        entropy of their shares in nats; 1 to pieces), largest_piece and second_piece (shares of the class; the second
        is 0 if there is one piece), alone (share of samples that are a piece by themselves), made_of ("one piece",
        "pieces" or "single samples", see `made_of`; "unknown", with NaN elsewhere, where pieces are not known).

    Raises:
        UserError: different lengths, or numbers that are not integers.

    Examples:
        >>> from latent_atlas import summarize_pieces
        >>> table = summarize_pieces([0, 0, 1, 0, 1], ["cat", "cat", "cat", "dog", "dog"])
        >>> table[["label", "pieces", "largest_piece", "alone", "made_of"]].round(2)
          label  pieces  largest_piece  alone         made_of
        0   cat       2           0.67   0.33       one piece
        1   dog       2           0.50   1.00  single samples
    """
    numbers, names = np.asarray(piece), np.asarray(labels)
    if problems := _mismatch("piece", numbers, names):
        raise UserError(*problems)
    rows = []
    for label in np.unique(names):
        inside = numbers[names == label]
        if inside.min() < 0:
            rows.append((label, *[np.nan] * 5, "unknown"))
            continue
        sizes = np.bincount(inside)
        shares = sizes / sizes.sum()
        effective, alone = float(np.exp(-(shares * np.log(shares)).sum())), float(shares[sizes == 1].sum())
        second = shares[1] if len(shares) > 1 else 0.0
        rows.append((label, len(sizes), effective, shares[0], second, alone, made_of(shares[0], alone)))
    columns = ["label", "pieces", "effective_pieces", "largest_piece", "second_piece", "alone", "made_of"]
    return pd.DataFrame(rows, columns=columns)


def made_of(largest: float, alone: float) -> str:
    """What a class mostly consists of: what holds more than half of it, or else "pieces".

    Args:
        largest: share of its largest piece.
        alone: share of samples that are a piece by themselves.
    """
    if alone > 0.5:
        return "single samples"
    return "one piece" if largest > 0.5 else "pieces"


def skewness_of(values: "npt.ArrayLike") -> float:
    """Biased skewness m3 / m2**1.5, as in scipy.stats.skew; NaN if all values are equal."""
    sample = np.asarray(values, dtype=np.float64)
    if sample.size == 0 or sample.min() == sample.max():
        return float("nan")
    centred = sample - sample.mean()
    return float(np.mean(centred**3) / np.mean(centred**2) ** 1.5)


def pattern_of(skewness: float, threshold: float) -> str:
    """Pattern of a skewness (docs/science.md 1.3): "Fractured", "Clustered" or "Overlapped"; "Undefined" for NaN."""
    if np.isnan(skewness):
        return "Undefined"
    if skewness > threshold:
        return "Fractured"
    return "Clustered" if skewness < -threshold else "Overlapped"


def _check(kappa: np.ndarray, labels: np.ndarray, skewness: str, threshold: float) -> None:
    problems = _mismatch("kappa", kappa, labels)
    if skewness not in get_args(Skewness):
        allowed = f"allowed: {', '.join(get_args(Skewness))}"
        problems.append(Problem("skewness", str(skewness), allowed, "Choose one of these"))
    if not threshold >= 0:
        allowed = "the threshold of the patterns must be 0 or more"
        problems.append(Problem("threshold", str(threshold), allowed, "Set it to 0.5, the paper's value"))
    if problems:
        raise UserError(*problems)


def _mismatch(what: str, values: np.ndarray, labels: np.ndarray) -> list[Problem]:
    """Problems of values that are not an integer for each label."""
    if values.ndim == 1 and values.shape == labels.shape and np.issubdtype(values.dtype, np.integer):
        return []
    found = f"{what} {values.dtype} {values.shape}, labels {labels.shape}"
    allowed = f"{what} must be integers, one for each label"
    return [Problem(f"{what}, labels", found, allowed, f"Pass {what} of neighbourhood(features, labels), not kstar")]


def _check_range(kappa: np.ndarray, codes: np.ndarray, sizes: np.ndarray) -> None:
    wrong = np.flatnonzero((kappa < 1) | (kappa > sizes[codes]))
    if wrong.size:
        first = wrong[0]
        allowed = f"sample {first} belongs to a class of {sizes[codes[first]]}: its kappa must be 1 to that"
        raise UserError(Problem("kappa", str(kappa[first]), allowed, "Pass kappa with the labels it was made from"))
