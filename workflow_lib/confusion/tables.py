"""Tables of a confusion study: accuracies, pairs, confusion matrices, learning curves (docs/science.md 3.2)."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from workflow_lib.confusion.effects import pair_means
from workflow_lib.confusion.runs import Runs

Array = npt.NDArray[np.float64]

WHOLE = 20
"""Up to this many classes, tables hold all runs of each class, and the whole matrix of each pair."""


def accuracy_table(runs: Runs) -> pd.DataFrame:
    """A row per run and target class: pair, seed, target, in_pair, diverged, accuracy.

    `in_pair`: the target is one of the two classes that were mistrained. Accuracy is the share of the target's test
    samples that were recognised, 0 to 1; NaN for a run that diverged. For more than 20 classes, a run of a pair has
    rows only for these two, one of the baseline for all (see `matrix_table`).
    """
    P, S, n = runs.accuracy.shape
    pair, seed, target = np.nonzero(np.broadcast_to(_written(runs)[:, None], (P, S, n)))
    return pd.DataFrame(
        {
            "pair": _named(runs.pairs, pair),
            "seed": np.array(runs.seeds)[seed],
            "target": _named(runs.classes, target),
            "in_pair": runs.in_pair[pair, target],
            "diverged": runs.diverged[pair, seed],
            "accuracy": runs.accuracy[pair, seed, target],
        }
    )


def mean_table(runs: Runs) -> pd.DataFrame:
    """A row per pair and target class: pair, target, in_pair, and statistics of the accuracy over seeds.

    These are n, mean, sd, lowest and highest from `over_seeds`; runs that diverged are left out.
    """
    P, _, n = runs.accuracy.shape
    labels = {"pair": _repeated(runs.pairs, n), "target": _tiled(runs.classes, P), "in_pair": runs.in_pair.ravel()}
    return pd.concat([pd.DataFrame(labels), over_seeds(runs.accuracy)], axis=1)


def curve_table(runs: Runs) -> pd.DataFrame:
    """A row per pair and epoch: pair, epoch, and statistics of the mean training loss (nats) over seeds.

    These are n, mean, sd, lowest and highest from `over_seeds`; runs that diverged are left out.
    """
    P, _, count = runs.loss.shape
    labels = {"pair": _repeated(runs.pairs, count), "epoch": np.tile(np.array(runs.epochs), P)}
    return pd.concat([pd.DataFrame(labels), over_seeds(runs.loss)], axis=1)


def over_seeds(values: Array) -> pd.DataFrame:
    """Statistics over the second axis of (P, S, k), a row per pair and k: n, mean, sd (ddof 1), lowest, highest.

    NaN values are left out. Statistics without values, and the sd of one value, are NaN.
    """
    rows = pd.DataFrame(np.swapaxes(values, 1, 2).reshape(-1, values.shape[1]))
    return pd.DataFrame(
        {
            "n": rows.count(axis=1),
            "mean": rows.mean(axis=1),
            "sd": rows.std(axis=1),
            "lowest": rows.min(axis=1),
            "highest": rows.max(axis=1),
        }
    )


def pair_table(runs: Runs) -> pd.DataFrame:
    """A row per pair, the baseline first.

    Returns:
        pair, class_a, class_b ("" for the baseline); runs, diverged (of them; left out of the rest);
        accuracy_own: mean of the pair's two classes, and baseline_own, the same classes in the baseline;
        accuracy_others, baseline_others: mean of all other classes, of all for the baseline;
        telling_apart: how well the two classes are distinguished: of the test samples of either class that were
        predicted as one of the two, the share with the right one (mean of both classes; 0.5 is chance);
        baseline_telling_apart: the same for the baseline. NaN if not defined: own for the baseline, others in a study
        of two classes.
    """
    means, own = pair_means(runs.accuracy), runs.in_pair
    baseline = np.broadcast_to(means[0], means.shape)
    names = np.array([*runs.classes, ""], dtype=object)[runs.member]
    return pd.DataFrame(
        {
            "pair": runs.pairs,
            "class_a": names[:, 0],
            "class_b": names[:, 1],
            "runs": len(runs.seeds),
            "diverged": runs.diverged.sum(axis=1),
            "accuracy_own": _mean_where(means, own),
            "baseline_own": _mean_where(baseline, own),
            "accuracy_others": _mean_where(means, ~own),
            "baseline_others": _mean_where(baseline, ~own),
            "telling_apart": _telling_apart(runs.predictions, runs.member),
            "baseline_telling_apart": _telling_apart(
                np.broadcast_to(runs.predictions[0], runs.predictions.shape), runs.member
            ),
        }
    )


def _telling_apart(predictions: npt.NDArray[np.int64], member: npt.NDArray[np.int64]) -> Array:
    a, b = member.T
    pair = np.arange(len(member))
    right = np.stack([predictions[pair, a, a], predictions[pair, b, b]], axis=-1)
    wrong = np.stack([predictions[pair, a, b], predictions[pair, b, a]], axis=-1)
    shares = np.divide(right, right + wrong, out=np.full(right.shape, np.nan), where=right + wrong > 0)
    return np.where(a >= 0, shares.mean(axis=-1), np.nan)


def _mean_where(values: Array, where: npt.NDArray[np.bool_]) -> Array:
    """Mean of each row over the entries in `where`; NaN if there are none, or one is NaN."""
    number = where.sum(axis=1)
    mean: Array = np.divide(values.sum(axis=1, where=where), number, out=np.full(len(values), np.nan), where=number > 0)
    return mean


def matrix_table(runs: Runs) -> pd.DataFrame:
    """Mean confusion matrices: pair, true, predicted, share (of the test samples of the true class, 0 to 1).

    Over the runs that did not diverge; NaN for a class without test samples and a pair without runs. For more than 20
    classes, a pair has rows only for its own two true classes, the baseline for all: 100 classes have 4,950 pairs, and
    their whole matrices are in the store.
    """
    n = len(runs.classes)
    pair, true = np.nonzero(_written(runs))
    return pd.DataFrame(
        {
            "pair": _named(runs.pairs, np.repeat(pair, n)),
            "true": _named(runs.classes, np.repeat(true, n)),
            "predicted": _tiled(runs.classes, len(pair)),
            "share": row_shares(runs.predictions[pair, true]).ravel(),
        }
    )


def _written(runs: Runs) -> npt.NDArray[np.bool_]:
    """(P, n): the classes of a pair that have rows in the largest tables."""
    written = runs.in_pair if len(runs.classes) > WHOLE else np.ones((len(runs.pairs), len(runs.classes)), dtype=bool)
    written[0] = True
    return written


def row_shares(counts: npt.NDArray[np.int64]) -> Array:
    """Counts (…, predicted) as shares of their sum; NaN if it is 0."""
    total = np.broadcast_to(counts.sum(axis=-1, keepdims=True), counts.shape)
    shares: Array = np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)
    return shares


def _named(names: tuple[str, ...], places: npt.NDArray[np.intp]) -> "pd.Categorical[str]":
    """The name at each of these places; categories, because tables of many classes are long."""
    return pd.Categorical.from_codes(places, pd.Index(names))


def _repeated(names: tuple[str, ...], times: int) -> "pd.Categorical[str]":
    """Each name repeated so many times."""
    return _named(names, np.repeat(np.arange(len(names)), times))


def _tiled(names: tuple[str, ...], times: int) -> "pd.Categorical[str]":
    """All names in order, so many times."""
    return _named(names, np.tile(np.arange(len(names)), times))
