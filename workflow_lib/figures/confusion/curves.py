"""Learning curves of a confusion study, with the range over runs."""

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import LogLocator, NullFormatter

from workflow_lib.figures.axes import nothing
from workflow_lib.figures.confusion.words import DONE
from workflow_lib.figures.panels import spread
from workflow_lib.figures.style import RC, TEN_COLOURS, new_figure
from workflow_lib.names import BASELINE

READING = (
    "Mean loss over the training samples during each epoch, with the labels of the run. Thin line: a pair, mean over "
    "seeds. Bold: the baseline, and the mean over pairs. Bands: lowest to highest single run."
)
MEMORISED = "Labels changed at random cannot be learned, only memorised, so losses of pairs stay higher."
COLOUR = TEN_COLOURS[0]
MOST_LINES = 100


@mpl.rc_context(RC)
def draw(table: pd.DataFrame, *, mode: str, title: str) -> tuple[Figure, pd.DataFrame]:
    """Loss over epochs of the baseline and of each pair.

    Args:
        table: a row per pair and epoch: pair, epoch, n, mean, sd, lowest, highest (over seeds, nats; NaN if all runs
            diverged).
        mode: how the pairs were mistrained.
        title: heading of the figure.

    Returns:
        The figure, and the rows that it shows, with those of the mean over all pairs (pair "all pairs": n pairs, their
        mean and sd, lowest and highest run).
    """
    pairs, baseline = table[table["pair"] != BASELINE], table[table["pair"] == BASELINE]
    if table["mean"].isna().all():
        return nothing(title, "no runs", READING), table
    overall = _over_pairs(pairs)
    names = list(dict.fromkeys(pairs["pair"]))
    drawn = spread(names, MOST_LINES)
    why = "" if mode == "drop" else MEMORISED
    figure = new_figure(7.0, 3.2, title, READING, DONE[mode], why, *_notes(table, names, drawn))
    axes = figure.subplots()
    for _, line in pairs[pairs["pair"].isin(drawn)].groupby("pair", sort=False):
        axes.plot(line["epoch"], line["mean"], color=COLOUR, linewidth=0.5, alpha=0.35)
    for line, colour in ((overall, COLOUR), (baseline, "black")):
        axes.fill_between(line["epoch"], line["lowest"], line["highest"], color=colour, alpha=0.15, linewidth=0)
        axes.plot(line["epoch"], line["mean"], color=colour, linewidth=2, marker="o", markersize=3)
    _scale(axes, table)
    figure.legend(handles=_legend(bool(names)), loc="outside right upper")
    shown = table[table["pair"].isin([BASELINE, *drawn])]
    return figure, pd.concat([shown, overall], ignore_index=True) if names else shown


def _over_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    groups = pairs.groupby("epoch", sort=True)
    found = groups.agg(
        n=("mean", "count"),
        mean=("mean", "mean"),
        sd=("mean", "std"),
        lowest=("lowest", "min"),
        highest=("highest", "max"),
    )
    found = found.reset_index()
    found.insert(0, "pair", "all pairs")
    return found


def _scale(axes: Axes, table: pd.DataFrame) -> None:
    """Logarithmic if the losses differ by more than a factor of ten and none is 0."""
    low, high = table["lowest"].min(), table["highest"].max()
    if low > 0 and high > 10 * low:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
    epochs = sorted(set(table["epoch"]))
    axes.set_xticks(spread(epochs, 12))
    axes.set(xlabel="epoch", ylabel="training loss (nats)")


def _notes(table: pd.DataFrame, names: list[str], drawn: list[str]) -> list[str]:
    runs = table.groupby("pair", sort=False)["n"].max()
    low, high = int(runs.min()), int(runs.max())
    each = str(low) if low == high else f"{low} to {high}"
    shown = f", of which {len(drawn)} are drawn" if len(drawn) < len(names) else ""
    return [f"Pairs: {len(names)}{shown}. Runs of each: {each}; diverged runs are left out."]


def _legend(pairs: bool) -> list[Line2D | Patch]:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color="black", linewidth=2, marker="o", markersize=3, label="baseline, mean"),
        Patch(color="black", alpha=0.15, linewidth=0, label="baseline, range of runs"),
    ]
    if pairs:
        handles += [
            Line2D([], [], color=COLOUR, linewidth=2, marker="o", markersize=3, label="pairs, mean"),
            Line2D([], [], color=COLOUR, linewidth=0.5, alpha=0.5, label="a pair"),
            Patch(color=COLOUR, alpha=0.15, linewidth=0, label="pairs, range of runs"),
        ]
    return handles
