"""What a figure of prototypes shows of many classes, models and intervals; and how it says so."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from workflow_lib.errors import Problem, UserError
from workflow_lib.figures.panels import spread
from workflow_lib.figures.style import SHOWN_CLASSES, SMALLEST_WIDTH, new_figure
from workflow_lib.wording import nearest

FEWER_CLASSES = 10
"""Number of classes that are shown where there are more than one picture can tell apart."""

MOST_MODELS = 4

NO_ENTRIES = "no entries that count"


def choose_classes(known: Sequence[str], wanted: Sequence[str] | None) -> tuple[list[str], str]:
    """Names of the classes to show, and a sentence on the choice: all, or ten spread evenly of more than twenty.

    Args:
        known: names in the order of the classes.
        wanted: names chosen by the user, in the order in which to show them.

    Raises:
        UserError: names that no class bears; every one of them.
    """
    if wanted is None:
        chosen = list(known) if len(known) <= SHOWN_CLASSES else spread(known, FEWER_CLASSES)
    else:
        _check(wanted, known)
        chosen = list(wanted)
    return chosen, "" if len(chosen) == len(known) else f"{len(chosen)} of {len(known)} classes are shown."


def choose_models(table: pd.DataFrame, most: int = MOST_MODELS) -> tuple[list[str], str]:
    """The models of a table, at most `most` of them, spread evenly; and a sentence on the choice."""
    models = list(dict.fromkeys(table["model"]))
    chosen = spread(models, most)
    return chosen, "" if len(chosen) == len(models) else f"{len(chosen)} of {len(models)} models are shown."


def describe_set(point: Mapping[str, object]) -> str:
    """The sentence on which set of prototypes is shown: model, seed, interval, initialisation."""
    start = f"start {point['initialisation']}"
    return f"{point['model']}, seed {point['seed']}, {point['interval']}\N{NO-BREAK SPACE}% of the training, {start}."


def label_intervals(axes: Axes, intervals: Iterable[int]) -> None:
    """Make the horizontal axis that of the training, in per cent, with a tick for each interval.

    Labels that would touch the next one are left out; the last one stays.
    """
    ticks = sorted(set(intervals))
    space = 0.06 * (ticks[-1] - ticks[0]) or 5
    texts = {ticks[-1]: str(ticks[-1])}
    for tick in reversed(ticks[:-1]):
        if min(texts) - tick >= 0.06 * (ticks[-1] - ticks[0]):
            texts[tick] = str(tick)
    axes.set_xticks(ticks, [texts.get(tick, "") for tick in ticks], rotation=90)
    axes.set_xlim(ticks[0] - space, ticks[-1] + space)


def nothing(title: str, note: str, text: str) -> Figure:
    """The figure of a table without rows: it says why. To be called under `mpl.rc_context(RC)`."""
    figure = new_figure(SMALLEST_WIDTH, 1.2, title, note)
    axes = figure.subplots()
    axes.set_axis_off()
    say(axes, text)
    return figure


def say(axes: Axes, text: str) -> None:
    """Write, in the middle of a panel, why it is empty."""
    axes.text(0.5, 0.5, text, ha="center", va="center", color="#606060", transform=axes.transAxes)


def _check(wanted: Sequence[str], known: Sequence[str]) -> None:
    problems = []
    for name in wanted:
        if name not in known:
            near = nearest(name, known) or known[0]
            allowed = f"no class has this name; the {len(known)} classes include {near!r}"
            problems.append(
                Problem("prototypes.studies: classes", name, allowed, f"write {near!r}, or leave classes out")
            )
    if problems:
        raise UserError(*problems)
