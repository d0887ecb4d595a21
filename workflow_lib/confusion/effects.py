"""Effect of losing a class on each other class: tests, intervals, bits (docs/science.md 3.3, 3.4)."""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workflow_lib.confusion.information import REFERENCES, bits_table
from workflow_lib.confusion.runs import Runs
from workflow_lib.statistics import benjamini_hochberg, welch

Array = npt.NDArray[np.float64]

UNITS = ("run", "pair")
FAMILY = ["reference", "unit"]
KEYS = [*FAMILY, "target", "confused"]
NUMBERS = ("diff", "ci_low", "ci_high", "t", "df", "p", "hedges_g")
TESTED = ("n_reference", "n_confused", "accuracy_reference", "accuracy_confused", *NUMBERS, "undefined")


def effect_table(runs: Runs) -> pd.DataFrame:
    """A row per reference, unit and ordered pair (target T, confused C), T ≠ C.

    The accuracies of T over runs that confused C, and whose pair does not contain T, are compared with those of a
    reference by Welch's test: "otherwise", the runs whose pair contains neither, or "baseline". A run confuses both
    classes of its pair, in the mode one_way only the first. Difference = reference - confused: positive where T is
    recognised better when C is not confused.

    The unit is either the run, or the pair with its mean over seeds. Runs of one pair share the effect of mixing up
    these two classes, so they are not independent, and the test over runs finds too many effects. The test over pairs
    uses each pair once; pairs that share a class may still be similar. The baseline has no pairs: its units are runs in
    both tests.

    Returns:
        reference, unit, target, confused; n_reference and n_confused (units), accuracy_reference and
        accuracy_confused (their means, 0 to 1), diff, ci_low, ci_high (95 %), t, df, p (two-sided), p_adjusted
        (Benjamini-Hochberg, over all ordered pairs of that reference and unit that have a p), hedges_g, undefined (why
        t to hedges_g are NaN; "" if they are not); bits_accuracy, bits_predictions, chance_accuracy,
        chance_predictions (of all runs: see `information.bits_table`; NaN for the unit "pair"). Runs that
        diverged are left out.
    """
    # descending order puts otherwise before baseline, and run before pair
    tests = pd.DataFrame(_rows(runs), columns=[*KEYS, *TESTED]).sort_values(FAMILY, ascending=False, kind="stable")
    adjusted = tests.groupby(FAMILY)["p"].transform(benjamini_hochberg)
    tests.insert(list(tests).index("hedges_g"), "p_adjusted", adjusted)
    return tests.merge(bits_table(runs).assign(unit="run"), on=KEYS, how="left")


def _rows(runs: Runs) -> Iterator[dict[str, Any]]:
    means = pair_means(runs.accuracy)
    for target, target_name in enumerate(runs.classes):
        outside = ~runs.in_pair[:, target]
        outside[0] = False
        units = {"run": runs.accuracy[outside, :, target], "pair": means[outside, target]}
        baseline = runs.accuracy[0, :, target]
        for confused, confused_name in enumerate(runs.classes):
            if confused == target:
                continue
            chosen, neither = runs.confused[outside, confused], ~runs.in_pair[outside, confused]
            for unit in UNITS:
                pools = {"otherwise": units[unit][neither], "baseline": baseline}
                for reference in REFERENCES:
                    about = {"reference": reference, "unit": unit, "target": target_name, "confused": confused_name}
                    yield about | _test(pools[reference], units[unit][chosen])


def pair_means(accuracy: Array) -> Array:
    """(P, n) mean accuracy over seeds, from (P, S, n); NaN if no run is known."""
    known = ~np.isnan(accuracy)
    number = known.sum(axis=1)
    total = np.where(known, accuracy, 0).sum(axis=1)
    means: Array = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
    return means


def _test(reference: Array, confused: Array) -> dict[str, Any]:
    a, b = (part[~np.isnan(part)] for part in (reference, confused))
    test = welch(a, b)
    names = {"a": "the reference group", "b": "the confused group"}
    return {
        "n_reference": test.n_a,
        "n_confused": test.n_b,
        "accuracy_reference": a.mean() if test.n_a else np.nan,
        "accuracy_confused": b.mean() if test.n_b else np.nan,
        **{name: getattr(test, name) for name in NUMBERS},
        "undefined": re.sub(r"\b[ab]\b", lambda found: names[found.group()], test.undefined),
    }
