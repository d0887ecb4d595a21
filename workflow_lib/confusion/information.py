"""Bits that a target gains or loses if another class is not confused, for all pairs (docs/science.md 3.4)."""

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from workflow_lib.confusion.runs import Runs
from workflow_lib.statistics import kl_bits

Array = npt.NDArray[np.float64]

SMOOTHING = 0.5
"""Added to the count of every outcome (docs/science.md 3.4)."""

REFERENCES = ("otherwise", "baseline")
"""What the runs with a confused class are compared with: runs whose pair contains neither class, or the baseline."""


def predictions_by_group(runs: Runs) -> dict[str, Array]:
    """Predicted classes of each target T, summed over groups of runs defined by each class C.

    Returns:
        "confused", "otherwise" and "baseline", each (T, C, predicted), exact whole numbers: over runs that confused C
        and whose pair does not contain T; over runs whose pair contains neither; over the baseline, the same for every
        C.
        Zeros if a group has no runs, and, except for the baseline, if C is T.
    """
    n = len(runs.classes)
    groups = {name: np.zeros((n, n, n)) for name in ("confused", *REFERENCES)}
    for target in range(n):
        outside = np.flatnonzero(~runs.in_pair[1:, target]) + 1
        counts = runs.predictions[outside, target].astype(np.float64)
        groups["confused"][target] = runs.confused[outside].T.astype(np.float64) @ counts
        groups["otherwise"][target] = (~runs.in_pair[outside]).T.astype(np.float64) @ counts
        groups["otherwise"][target, target] = 0
        groups["baseline"][target] = runs.predictions[0, target]
    return groups


def bits_table(runs: Runs) -> pd.DataFrame:
    """Signed information D(confused ‖ reference) in bits, from all runs, in both versions of docs/science.md 3.4.

    The sign is that of the accuracies, reference - confused: positive if not confusing C helps T. Counts are
    smoothed by a half.

    Returns:
        A row per reference and ordered pair: reference, target T, confused C, and in bits, NaN if a group has no
        runs or T no test samples:

        bits_accuracy: between Bernoulli distributions "recognised, or not", all runs of a group together.

        bits_predictions: between distributions of the predicted class, in which the two classes of the confused pair
        {C, X} are one outcome, because a network that was taught to mix them up says nothing by choosing one of them
        (in all modes, so that their bits can be compared).
        X differs from pair to pair, so the divergence is computed for each pair and averaged with the number of its
        runs as weight (conditional divergence given the pair). Without smoothing it is never smaller than the first.

        chance_accuracy, chance_predictions: the size to expect without any effect, as an order of magnitude:
        (k - 1) / (2 ln 2) · (1/N + 1/M) bits for k outcomes and N and M test samples in the two distributions, as if
        each run drew new test samples. In fact runs share them, and differ by their training.
    """
    groups = predictions_by_group(runs)
    names = np.array(runs.classes, dtype=object)
    target, confused = np.nonzero(~np.eye(len(names), dtype=bool))
    parts = []
    for reference in REFERENCES:
        hits = [_hits(groups[name]) for name in ("confused", reference)]
        numbers = [part.sum(axis=-1) for part in hits]
        known = np.minimum(*numbers) > 0
        shares = [np.divide(h[..., 0], h.sum(-1), out=np.full(known.shape, np.nan), where=known) for h in hits]
        sign = np.where(known, np.where(shares[1] >= shares[0], 1.0, -1.0), np.nan)
        predictions, chance = _of_predictions(runs, groups[reference])
        values = {
            "bits_accuracy": sign * kl_bits(*hits, smoothing=SMOOTHING),
            "bits_predictions": sign * predictions,
            "chance_accuracy": np.where(known, _by_chance(2, *numbers), np.nan),
            "chance_predictions": np.where(known, chance, np.nan),
        }
        here = {name: value[target, confused] for name, value in values.items()}
        about = {"reference": reference, "target": names[target], "confused": names[confused]}
        parts.append(pd.DataFrame(about | here))
    return pd.concat(parts, ignore_index=True)


def _hits(counts: Array) -> Array:
    """(T, C, 2) test samples of T that were recognised, and not recognised, from (T, C, predicted)."""
    hits = np.diagonal(counts, axis1=0, axis2=2).T
    return np.stack([hits, counts.sum(axis=-1) - hits], axis=-1)


def _of_predictions(runs: Runs, reference: Array) -> tuple[Array, Array]:
    """(T, C) divergence of the predicted classes, and its size by chance, averaged over pairs with C and not T."""
    n = len(runs.classes)
    total, chance, weight = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n))
    for pair in np.flatnonzero(runs.counted[1:]) + 1:
        members, number = runs.member[pair], runs.counted[pair]
        targets = np.delete(np.arange(n), members)
        own = _merge(runs.predictions[pair, targets], members)
        for confused in members[runs.confused[pair, members]]:
            other = _merge(reference[targets, confused], members)
            total[targets, confused] += number * kl_bits(own, other, smoothing=SMOOTHING)
            chance[targets, confused] += number * _by_chance(n - 1, own.sum(axis=-1), other.sum(axis=-1))
            weight[targets, confused] += number
    nothing = np.full((n, n), np.nan)
    mean = [np.divide(part, weight, out=nothing.copy(), where=weight > 0) for part in (total, chance)]
    return mean[0], mean[1]


def _by_chance(outcomes: int, *samples: Array) -> Array:
    """Expected divergence in bits between two samples of the same distribution."""
    with np.errstate(divide="ignore"):  # without samples it is infinite, and not used
        return (outcomes - 1) / (2 * math.log(2)) * np.asarray(sum(1 / number for number in samples))


def _merge(counts: npt.NDArray[np.generic], members: npt.NDArray[np.int64]) -> Array:
    """Counts (…, predicted) with two classes merged into one outcome, the last."""
    both = counts[..., members].sum(axis=-1, keepdims=True)
    return np.concatenate([np.delete(counts, members, axis=-1), both], axis=-1).astype(np.float64)
