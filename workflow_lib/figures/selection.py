"""Which classes, models and layers a figure shows if there are many, and a note that says so."""

from collections.abc import Sequence

import pandas as pd

from workflow_lib.errors import Problem, UserError, listed, nearest
from workflow_lib.figures.panels import spread
from workflow_lib.figures.style import SHOWN_CLASSES, short_names

FEWER_CLASSES = 10
"""Number of classes shown if there are too many for one figure."""

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
    """Names of the classes to show, and a note: all classes up to `most`; of more, `fewer` evenly spread ones.

    Args:
        known: names in the order of their labels.
        wanted: names chosen by the user, in the order to show them; None: choose here.
        section: section of the config that `wanted` comes from, for errors: kstar, prototypes or confusion.
        most: up to this many classes, all are shown.
        fewer: number of classes shown if there are more.
        ranking: a number for each name in `known`; the choice is spread evenly over its range, and the note gives the
            name of the series. None: the choice is spread evenly over `known`.

    Returns:
        The names, in the order of `wanted` or else of `known`; and the note, "" if all classes are shown.

    Raises:
        UserError: `wanted` names classes that the study does not have; all of them are listed.
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
    """Models to show, at most `most` of those in the table, evenly spread; and a note, "" if all are shown."""
    models = list(dict.fromkeys(table["model"]))
    chosen = spread(models, most)
    return chosen, "" if len(chosen) == len(models) else f"{len(chosen)} of {len(models)} models are shown."


def choose_panels(table: pd.DataFrame, most: int = MOST_MODELS) -> tuple[dict[str, pd.DataFrame], pd.DataFrame, str]:
    """The panels of a figure with one for each model and layer, at most `most`, evenly spread.

    If there are more, and models have several layers, those of the first model are shown.

    Returns:
        Rows of each panel by its heading, the model and, if there are several, the layer; the rows of all panels, in
        the order of the table; and a note, "" if all are shown.
    """
    every = list(dict.fromkeys(zip(table["model"], table["layer"], strict=True)))
    models, layers = (list(dict.fromkeys(names)) for names in zip(*every, strict=True))
    of_first = [place for place in every if place[0] == models[0]]
    chosen = spread(every if len(every) <= most or len(every) == len(models) else of_first, most)
    names = dict(zip(models, short_names(models), strict=True)), dict(zip(layers, short_names(layers), strict=True))
    own = {place: part for place, part in table.groupby(["model", "layer"], sort=False) if place in chosen}
    headings = [names[0][model] + (f", {names[1][layer]}" if len(layers) > 1 else "") for model, layer in chosen]
    note = f"{len(chosen)} of {len(every)} {'models' if len(layers) == 1 else 'layers'} are shown."
    panels = {heading: own[place] for heading, place in zip(headings, chosen, strict=True)}
    shown = pd.concat(own.values()).sort_index().reset_index(drop=True)
    return panels, shown, "" if len(chosen) == len(every) else note


def _check(wanted: Sequence[str], known: Sequence[str], section: str) -> None:
    problems = []
    for name in wanted:
        if name not in known:
            near = nearest(name, known)
            allowed = f"no class of this study has this name; the classes are {listed(map(repr, known), FEWER_CLASSES)}"
            repair = f"write {near!r}, or leave classes out" if near else "choose one of these, or leave classes out"
            problems.append(Problem(f"{section}.studies: classes", name, allowed, repair))
    if problems:
        raise UserError(*problems)
