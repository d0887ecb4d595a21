"""Effects of losing a class, with confidence intervals and the number of false positives to expect by chance.

See docs/science.md 3.3.
"""

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from workflow_lib.figures.axes import nothing
from workflow_lib.figures.confusion.words import CONFUSED, DONE
from workflow_lib.figures.style import RC, TEN_COLOURS, class_names, labels_of, new_figure

READING = (
    "Accuracy of the target in runs whose pair contains neither class, minus that in runs in which the class was "
    "{confused} and whose pair does not contain the target, with 95 % interval (Welch). Positive: the target is "
    "recognised better when the class is not {confused}. Circle: units are runs. Square: units are pairs (means over "
    "seeds), because runs of one pair are not independent. Adjusted: Benjamini-Hochberg over all ordered pairs."
)
ALPHA = 0.05
FEWEST, MOST = 10, 30
"""Fewest and most rows; in between, all rows with p < 0.05 over runs are shown."""

STYLES = {
    "adjusted": ("adjusted p < 0.05", TEN_COLOURS[2], TEN_COLOURS[2]),
    "raw": ("p < 0.05, not adjusted", TEN_COLOURS[2], "white"),
    "none": ("not significant", "#808080", "white"),
}
"""Label, colour, and fill of the marker."""

MARKERS = {"run": "o", "pair": "s"}
SHIFT = {"run": -0.13, "pair": 0.2}


@mpl.rc_context(RC)
def draw(table: pd.DataFrame, *, mode: str, title: str) -> tuple[Figure, pd.DataFrame]:
    """A row for each ordered pair of classes that has a small p, sorted by the difference of accuracies.

    Args:
        table: a row per reference, unit, target and confused class, from `effect_table`.
        mode: how the classes were mistrained.
        title: heading of the figure.

    Returns:
        The figure, and its rows for both units against "otherwise", with `significance`: "adjusted", "raw" or "none".
    """
    own, confused = table[table["reference"] == "otherwise"], CONFUSED[mode]
    reading = f"{READING.format(confused=confused)} {DONE[mode]}"
    own = own.assign(significance=np.select([own["p_adjusted"] < ALPHA, own["p"] < ALPHA], ["adjusted", "raw"], "none"))
    runs = own[(own["unit"] == "run") & own["p"].notna()]
    if runs.empty:
        return nothing(title, "no effect is defined", reading), own.iloc[:0]
    few = min(max((runs["p"] < ALPHA).sum(), FEWEST), MOST)
    chosen = runs.nsmallest(few, "p").sort_values("diff", kind="stable").reset_index(drop=True)
    rows = chosen[["target", "confused"]].assign(row=range(len(chosen)))
    numbers = rows.merge(own, on=["target", "confused"], how="left")
    note = [reading, *(_counts(own, unit) for unit in MARKERS), _choice(len(chosen), len(runs))]
    figure = new_figure(7.0, 0.23 * len(chosen) + 0.9, title, *note)
    axes = figure.subplots()
    _draw_rows(axes, numbers)
    names = class_names(labels_of([table["target"]]))
    axes.set_yticks(
        rows["row"], [f"{names[t]} ← {names[c]}" for t, c in zip(rows["target"], rows["confused"], strict=True)]
    )
    axes.set(xlabel=f"accuracy otherwise − {confused}, percentage points", ylabel=f"target ← {confused}")
    figure.legend(handles=_legend(numbers), loc="outside right upper")
    return figure, numbers.drop(columns="row")


def _draw_rows(axes: Axes, numbers: pd.DataFrame) -> None:
    axes.axvline(0, color="#404040", linewidth=0.8)
    for (unit, level), part in numbers.dropna(subset=["t"]).groupby(["unit", "significance"], sort=False):
        _, colour, filling = STYLES[str(level)]
        over_runs = unit == "run"
        axes.errorbar(
            100 * part["diff"],
            part["row"] + SHIFT[str(unit)],
            xerr=100 * (part["ci_high"] - part["diff"]),
            fmt=MARKERS[str(unit)],
            color=colour,
            markerfacecolor=filling,
            markersize=4.5 if over_runs else 3.2,
            elinewidth=1.2 if over_runs else 0.7,
        )
    axes.set_ylim(-0.7, numbers["row"].max() + 0.7)
    axes.grid(axis="y", color="#eeeeee", linewidth=0.6)
    axes.set_axisbelow(True)


def _counts(own: pd.DataFrame, unit: str) -> str:
    here = own.loc[(own["unit"] == unit) & own["p"].notna()]
    raw, adjusted = (here["p"] < ALPHA).sum(), (here["p_adjusted"] < ALPHA).sum()
    if here.empty:
        return f"Over {unit}s no test is possible."
    return (
        f"Over {unit}s: {len(here)} tests, {raw} with p < 0.05 (by chance alone {ALPHA * len(here):.3g}), "
        f"{adjusted} adjusted."
    )


def _choice(shown: int, known: int) -> str:
    return "" if shown == known else f"The {shown} rows with the smallest p over runs are shown, of {known}."


def _legend(numbers: pd.DataFrame) -> list[Line2D]:
    drawn = numbers.dropna(subset=["t"])
    found = set(drawn["significance"])
    levels = [
        Line2D([], [], color=colour, marker="o", markerfacecolor=filling, markersize=4.5, label=label)
        for name, (label, colour, filling) in STYLES.items()
        if name in found
    ]
    units = [
        Line2D([], [], color="#808080", marker=marker, linestyle="", markersize=4, label=f"over {unit}s")
        for unit, marker in MARKERS.items()
        if unit in set(drawn["unit"])
    ]
    return levels + units
