"""Which pair a figure shows where there is room for one."""

from collections.abc import Sequence

import pandas as pd

from workflow_lib.errors import Problem, UserError
from workflow_lib.wording import nearest


def choose_pair(pairs: pd.DataFrame, wanted: Sequence[str] | None) -> tuple[int | None, str]:
    """The row of the pair to show, and a sentence on the choice.

    What mixing up two classes does to themselves is much the same for all pairs; so the choice is the pair that
    changes the mean accuracy of the other classes most.

    Args:
        pairs: table of pairs, the baseline in its first row.
        wanted: names of the two classes, in either order; None chooses.

    Returns:
        None where the study has no pairs.

    Raises:
        UserError: a pair that the study does not have.
    """
    if wanted is not None:
        return _row_of(pairs, wanted), ""
    if len(pairs) < 2:
        return None, ""
    change = (pairs["accuracy_others"] - pairs["baseline_others"]).abs()[1:]
    chosen = 1 if change.isna().all() else int(change.to_numpy(dtype=float, na_value=-1).argmax()) + 1
    return chosen, "The pair shown is the one that changes the mean accuracy of the other classes most."


def _row_of(pairs: pd.DataFrame, wanted: Sequence[str]) -> int:
    names = [frozenset(both) for both in zip(pairs["class_a"], pairs["class_b"], strict=True)]
    if frozenset(wanted) in names[1:]:
        return names.index(frozenset(wanted))
    known = [f"[{a}, {b}]" for a, b in zip(pairs["class_a"][1:], pairs["class_b"][1:], strict=True)]
    found = f"[{', '.join(wanted)}]"
    near = nearest(found, known) or next(iter(known), "another pair")
    allowed = f"the study has no such pair; its {len(known)} pairs include {near}"
    raise UserError(
        Problem("confusion.studies: example_pair", found, allowed, f"write {near}, or leave example_pair out")
    )
