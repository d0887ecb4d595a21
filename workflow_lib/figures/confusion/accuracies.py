"""Accuracy of each class for each confused pair, with the baseline, as strip plots (docs/science.md 3.3)."""

import math

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.special import stdtrit

from workflow_lib.figures.axes import nothing, say
from workflow_lib.figures.confusion.words import DONE
from workflow_lib.figures.panels import spread
from workflow_lib.figures.selection import choose_classes
from workflow_lib.figures.style import RC, TEN_COLOURS, class_names, labels_of, name_height, name_rotation, new_figure
from workflow_lib.names import BASELINE
from workflow_lib.seeds import generator

Array = npt.NDArray[np.float64]

READING = (
    "Dot: a pair of mistrained classes; accuracy of the target (the class below) on test samples with "
    "correct labels, mean over seeds. Above: the target is not in the pair. Below: it is one of the two. Band: where "
    "95 % of such means of baseline runs lie."
)
HALF = "Dashed: half the mean of the baseline."
"""With half of the labels swapped, a network cannot distinguish the two classes of a pair."""
COLOURS = {False: TEN_COLOURS[0], True: TEN_COLOURS[2]}
LABELS = {False: "target not in the pair", True: "target in the pair"}
MOST_DOTS = 200
"""Number of dots of a target in a panel."""


@mpl.rc_context(RC)
def draw(means: pd.DataFrame, *, mode: str, title: str) -> tuple[Figure, pd.DataFrame]:
    """Two strip plots with a column for each class: pairs without it above, pairs with it below.

    Args:
        means: a row per pair and target: pair, target, in_pair, n, mean, sd (over seeds; NaN if not known).
        mode: how the pairs were mistrained.
        title: heading of the figure.

    Returns:
        The figure, and the rows of the classes that it shows, with `band_low` and `band_high`: the baseline's mean -+
        t · sd · √(1/n + 1/m), for m runs of a pair (their median) and n of the baseline, limited to [0, 1]; NaN for
        fewer than two runs.
    """
    known = list(dict.fromkeys(means["target"]))
    classes, fewer = choose_classes(known, None, section="confusion")
    numbers = means[means["target"].isin(classes)].reset_index(drop=True)
    pairs = numbers[numbers["pair"] != BASELINE]
    if pairs.empty:
        return nothing(title, "no pairs of classes", READING), numbers
    runs = int(pairs["n"].median())
    baseline = _baseline(numbers, runs)
    numbers = numbers.merge(baseline[["target", "band_low", "band_high"]], on="target", how="left")
    swapped = mode == "swap"
    note = [READING, HALF if swapped else "", DONE[mode], _counts(numbers, runs), fewer, _thinned(pairs)]
    written = class_names(labels_of([known]))
    names = [written[name] for name in classes]
    figure = new_figure(max(0.42 * len(classes), 3.0) + 2.4, 3.6 + name_height(names), title, *note)
    grid = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [3, 2]})
    _band(grid[0], baseline := baseline.set_index("target").loc[classes])
    places = np.arange(len(classes))
    if swapped:
        grid[1].hlines(baseline["mean"] / 2, places - 0.42, places + 0.42, color="black", linewidth=0.8, linestyle="--")
    for axes, in_pair in zip(grid, (False, True), strict=True):
        _dots(axes, pairs[pairs["in_pair"] == in_pair], classes, COLOURS[in_pair])
        axes.set_ylabel("accuracy")
        axes.grid(axis="y", color="#eeeeee", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.use_sticky_edges = False
        axes.autoscale_view()
    grid[1].set_xticks(range(len(classes)), names, rotation=name_rotation(names))
    grid[1].set_xlim(-0.6, len(classes) - 0.4)
    figure.legend(handles=_legend(), loc="outside right upper")
    return figure, numbers


def _baseline(numbers: pd.DataFrame, runs: int) -> pd.DataFrame:
    own = numbers[numbers["pair"] == BASELINE]
    n = own["n"].to_numpy()
    reach = np.full(len(own), np.nan)
    if runs:
        enough = n > 1
        spread_of_means = own["sd"].to_numpy()[enough] * np.sqrt(1 / n[enough] + 1 / runs)
        reach[enough] = stdtrit(n[enough] - 1.0, 0.975) * spread_of_means
    return own.assign(band_low=(own["mean"] - reach).clip(0), band_high=(own["mean"] + reach).clip(upper=1))


def _band(axes: Axes, baseline: pd.DataFrame) -> None:
    places = np.arange(len(baseline))
    low, high = baseline["band_low"], baseline["band_high"]
    axes.bar(places, high - low, 0.84, bottom=low, color="black", alpha=0.15, linewidth=0)
    axes.hlines(baseline["mean"], places - 0.42, places + 0.42, color="black", linewidth=1.2)


def _dots(axes: Axes, pairs: pd.DataFrame, classes: list[str], colour: str) -> None:
    for place, name in enumerate(classes):
        values = spread(sorted(pairs.loc[pairs["target"] == name, "mean"].dropna()), MOST_DOTS)
        beside = generator("accuracies", name).uniform(-0.3, 0.3, len(values))
        axes.plot(place + beside, values, "o", color=colour, markersize=2.8, alpha=0.7, markeredgewidth=0)
    if pairs["mean"].isna().all():
        say(axes, "no runs")


def _counts(numbers: pd.DataFrame, runs: int) -> str:
    pairs = numbers.loc[numbers["pair"] != BASELINE, "pair"].nunique()
    baseline = numbers.loc[numbers["pair"] == BASELINE, "n"].max()
    return f"Pairs: {pairs}. Runs of each: {runs}, of the baseline: {0 if math.isnan(baseline) else int(baseline)}."


def _thinned(pairs: pd.DataFrame) -> str:
    most = int(pairs.groupby(["target", "in_pair"]).size().max())
    if most <= MOST_DOTS:
        return ""
    return f"Of up to {most} dots of a class {MOST_DOTS} are drawn, evenly spread by rank."


def _legend() -> list[Line2D | Patch]:
    dots = [
        Line2D([], [], color=colour, marker="o", linestyle="", markersize=4, markeredgewidth=0, label=LABELS[in_pair])
        for in_pair, colour in COLOURS.items()
    ]
    return [
        *dots,
        Line2D([], [], color="black", linewidth=1.2, label="mean of the baseline"),
        Patch(color="black", alpha=0.15, linewidth=0, label="baseline, 95 %"),
    ]
