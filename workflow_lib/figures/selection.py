"""Which classes and models a figure shows of many, and how it says so."""

from collections.abc import Sequence

import pandas as pd

from workflow_lib.errors import Problem, UserError
from workflow_lib.figures.panels import spread
from workflow_lib.figures.style import SHOWN_CLASSES
from workflow_lib.wording import nearest

FEWER_CLASSES = 10
"""Number of classes that are shown where there are more than one picture can tell apart."""

MOST_MODELS = 4


def choose_classes(
    known: Sequence[str],
    wanted: Sequence[str] | None,
    *,
    section: str,
    most: int = SHOWN_CLASSES,
    fewer: int = FEWER_CLASSES,
    ranking: "pd.Series[float] | None" = None,
) -> tuple[list[str], str]:
    """Names of the classes to show, and a sentence on the choice: all up to `most`; of more, `fewer`, evenly spread.

    Args:
        known: names in the order of their labels.
        wanted: names chosen by the user, in the order in which to show them; None chooses.
        section: of the config that holds `wanted`: kstar, prototypes or confusion.
        most: number of classes up to which all are shown.
        fewer: number of classes that are shown of more than that.
        ranking: a number for each of `known`, by name, over whose range the choice is spread; the note gives the
            name of the series. None: spread over `known` as it is.

    Returns:
        The names, in the order of `known` unless the user gave another; and the sentence, "" if all are shown.

    Raises:
        UserError: names that no class bears; every one of them.
    """
    if wanted is not None:
        _check(wanted, known, section)
        short = "" if len(wanted) == len(known) else f"{len(wanted)} of {len(known)} classes are shown."
        return list(wanted), short
    if len(known) <= most:
        return list(known), ""
    ranked = list(known) if ranking is None else list(ranking.reindex(list(known)).sort_values(kind="stable").index)
    chosen = set(spread(ranked, fewer))
    how = "" if ranking is None else f", spread evenly over the range of {ranking.name}"
    return [name for name in known if name in chosen], f"{len(chosen)} of {len(known)} classes are shown{how}."


def choose_models(table: pd.DataFrame, most: int = MOST_MODELS) -> tuple[list[str], str]:
    """The models of a table, at most `most` of them, spread evenly; and a sentence on the choice."""
    models = list(dict.fromkeys(table["model"]))
    chosen = spread(models, most)
    return chosen, "" if len(chosen) == len(models) else f"{len(chosen)} of {len(models)} models are shown."


def _check(wanted: Sequence[str], known: Sequence[str], section: str) -> None:
    problems = []
    for name in wanted:
        if name not in known:
            near = nearest(name, known) or known[0]
            allowed = f"no class of this study has this name; its {len(known)} classes include {near!r}"
            problems.append(
                Problem(f"{section}.studies: classes", name, allowed, f"write {near!r}, or leave classes out")
            )
    if problems:
        raise UserError(*problems)
