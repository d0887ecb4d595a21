"""Heat maps of the bits that a target gains or loses if another class is not confused (docs/science.md 3.4)."""

import itertools
from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from workflow_lib.figures.axes import NO_ENTRIES, nothing, say
from workflow_lib.figures.cells import WRITTEN, label_classes, side_of, write_numbers
from workflow_lib.figures.style import RC, SHOWN_CLASSES, class_names, labels_of, name_height, new_figure

Array = npt.NDArray[np.float64]

READING = (
    "Row: target T. Column: confused class C. Grey: not defined. D(confused ‖ otherwise): runs whose pair contains C "
    "against runs whose pair contains neither T nor C. Positive: T is recognised better when C is not confused. "
    "Negative: T is recognised better when C is confused. Left: T recognised or not. Right: the predicted class, with "
    "the confused pair as one outcome, and the sign of the left. Counts are smoothed by ½."
)
HEADINGS = {"bits_accuracy": "recognised or not", "bits_predictions": "predicted class"}
CHANCE = ("chance_accuracy", "chance_predictions")
COLOURS = "PRGn"
"""Purple and green, as on the poster; distinguishable with every kind of colour vision."""


@mpl.rc_context(RC)
def draw(effects: pd.DataFrame, *, groups: Mapping[str, Sequence[str]], title: str) -> tuple[Figure, pd.DataFrame]:
    """Both versions of the bits side by side, each with its own colour range, centred at 0.

    Args:
        effects: a row per reference, unit, target and confused class, classes in their order, from
            `effect_table`.
        groups: names of classes by name of the group; lines separate neighbours of different groups.
        title: heading of the figure.

    Returns:
        The figure, and the rows that it shows: those of all runs against "otherwise".
    """
    own = effects[(effects["reference"] == "otherwise") & (effects["unit"] == "run")]
    counted = ["n_reference", "n_confused"]
    numbers = own[["target", "confused", *counted, *HEADINGS, *CHANCE]].reset_index(drop=True)
    if numbers.empty:
        return nothing(title, "no pairs of classes", READING), numbers
    written = class_names(labels_of([numbers["target"]]))
    classes, order = _order(list(written), groups)
    names, n = [written[name] for name in classes], len(classes)
    side, margin = side_of(n), name_height(names)
    note = [READING, _chance(numbers), _runs(numbers), order, _left_out(n)]
    figure = new_figure(2 * (side + margin + 1.3), side + margin + 0.55, title, *note)
    for axes, (measure, heading) in zip(figure.subplots(1, 2), HEADINGS.items(), strict=True):
        matrix = numbers.pivot(index="target", columns="confused", values=measure).reindex(classes, columns=classes)
        _draw_panel(axes, matrix.to_numpy(dtype=float))
        label_classes(axes, names)
        _part_groups(axes, classes, groups)
        axes.set(xlabel="confused", ylabel="target")
        axes.set_title(heading, loc="left")
        figure.colorbar(axes.images[0], ax=axes, label="bits", shrink=0.8, aspect=25)
    return figure, numbers


def _draw_panel(axes: Axes, matrix: Array) -> None:
    largest = float(np.nanmax(np.abs(matrix))) if np.isfinite(matrix).any() else 0.0
    ranges = Normalize(-largest or -1e-3, largest or 1e-3)
    axes.set_facecolor("#d8d8d8")
    axes.imshow(matrix, cmap=COLOURS, norm=ranges, interpolation="nearest")
    if np.isnan(matrix).all():
        say(axes, NO_ENTRIES)
    digits = 0 if largest >= 0.02 else 1
    dark = np.abs(matrix) > 0.62 * (largest or 1.0)
    write_numbers(axes, matrix, lambda bits: f"{1000 * bits:z.{digits}f}".replace("-", "−"), dark)


def _order(classes: Sequence[str], groups: Mapping[str, Sequence[str]]) -> tuple[list[str], str]:
    """Classes in their order, or sorted by group if that needs fewer lines; and a note on it."""
    if not groups:
        return list(classes), ""
    group, last = _group_of(classes, groups), len(groups)
    names = (
        f"Lines separate the groups: {', '.join(groups)}." if len(groups) <= SHOWN_CLASSES else "Lines separate groups."
    )
    if sum(a != b for a, b in itertools.pairwise(group)) <= last:
        return list(classes), names
    place = {name: number for number, name in enumerate(groups)}
    ranked = sorted(zip(classes, group, strict=True), key=lambda both: place.get(both[1], last))
    return [name for name, _ in ranked], f"Classes are sorted by group. {names}"


def _group_of(classes: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[str]:
    """The group of each class; "" for none."""
    known = {name: group for group, members in groups.items() for name in members}
    return [known.get(name, "") for name in classes]


def _part_groups(axes: Axes, classes: Sequence[str], groups: Mapping[str, Sequence[str]]) -> None:
    group = _group_of(classes, groups)
    width = 0.8 if len(classes) <= SHOWN_CLASSES else 0.4
    for place, (one, other) in enumerate(itertools.pairwise(group)):
        if one != other:
            axes.axhline(place + 0.5, color="black", linewidth=width)
            axes.axvline(place + 0.5, color="black", linewidth=width)


def _chance(numbers: pd.DataFrame) -> str:
    if numbers[list(CHANCE)].isna().all(axis=None):
        return ""
    left, right = (f"{value:.2g}" for value in numbers[list(CHANCE)].mean())
    alone = f"Without any effect, chance in the test samples alone gives about {left} (left) and {right} (right) bits"
    return f"{alone}, in either direction; differences between trainings add to that."


def _runs(numbers: pd.DataFrame) -> str:
    parts = []
    for column, text in (("n_confused", "confused"), ("n_reference", "otherwise")):
        low, high = int(numbers[column].min()), int(numbers[column].max())
        parts.append(f"{low if low == high else f'{low} to {high}'} runs {text}")
    return f"Each cell: {', '.join(parts)}."


def _left_out(n: int) -> str:
    if n <= WRITTEN:
        return "Numbers: thousandths of a bit."
    return "" if n <= SHOWN_CLASSES else f"{SHOWN_CLASSES} of {n} classes are named; the numbers are in the table."
