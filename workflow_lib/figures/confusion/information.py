"""Heat maps of the bits that a target gains or loses if another class is not confused (docs/science.md 3.4)."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from workflow_lib.figures import class_groups
from workflow_lib.figures.axes import NO_ENTRIES, nothing, say
from workflow_lib.figures.cells import label_classes, side_of, write_numbers
from workflow_lib.figures.confusion.words import CONFUSED, DONE
from workflow_lib.figures.style import RC, SHOWN_CLASSES, class_names, labels_of, name_height, new_figure, significant

Array = npt.NDArray[np.float64]

READING = (
    "Row: target T. Column: {confused} class C. Grey: not defined. D({confused} ‖ otherwise): runs in which C was "
    "{confused} and whose pair does not contain T, against runs whose pair contains neither T nor C. Positive: T is "
    "recognised better when C is not {confused}. Negative: T is recognised better when C is {confused}. Left: T "
    "recognised or not. Right: the predicted class, with the pair as one outcome, and the sign of the left. Counts are "
    "smoothed by ½. Pale: smaller than what chance in the test samples alone gives on average."
)
HEADINGS = {"bits_accuracy": "recognised or not", "bits_predictions": "predicted class"}
CHANCE = ("chance_accuracy", "chance_predictions")
COLOURS = "PRGn"
"""Purple and green, as on the poster; distinguishable with every kind of colour vision."""
VEIL = 0.75
"""Opacity of the white over cells that chance explains."""


@mpl.rc_context(RC)
def draw(
    effects: pd.DataFrame, *, groups: Mapping[str, Sequence[str]], mode: str, title: str
) -> tuple[Figure, pd.DataFrame]:
    """Both versions of the bits side by side, in millibits, each with its own colour range, centred at 0.

    Args:
        effects: a row per reference, unit, target and confused class, classes in their order, from
            `effect_table`.
        groups: names of classes by name of the group. Lines separate neighbours of different groups. The groups are
            named beside the classes, of more than twenty classes in their place.
        mode: how the classes were mistrained.
        title: heading of the figure.

    Returns:
        The figure, and the rows that it shows, in bits: those of all runs against "otherwise".
    """
    own = effects[(effects["reference"] == "otherwise") & (effects["unit"] == "run")]
    counted = ["n_reference", "n_confused"]
    numbers = own[["target", "confused", *counted, *HEADINGS, *CHANCE]].reset_index(drop=True)
    reading = f"{READING.format(confused=CONFUSED[mode])} {DONE[mode]}"
    if numbers.empty:
        return nothing(title, "no pairs of classes", reading), numbers
    written = class_names(labels_of([numbers["target"]]))
    classes, order = class_groups.order(list(written), groups)
    parts = class_groups.spans(classes, groups)
    names, n = [written[name] for name in classes], len(classes)
    many = n > SHOWN_CLASSES
    side, margin = side_of(n), name_height([part.name for part in parts] if groups and many else names)
    beside = 0.0 if many else class_groups.room_beside(parts, side)
    note = [reading, _chance(numbers), _runs(numbers, mode), order, _left_out(n, bool(groups))]
    figure = new_figure(2 * (side + margin + beside + 1.3), side + margin + beside + 0.55, title, *note)
    for axes, (measure, heading), chance in zip(figure.subplots(1, 2), HEADINGS.items(), CHANCE, strict=True):
        matrix, noise = (
            numbers.pivot(index="target", columns="confused", values=values).reindex(classes, columns=classes)
            for values in (measure, chance)
        )
        _draw_panel(axes, 1000 * matrix.to_numpy(dtype=float), 1000 * noise.to_numpy(dtype=float))
        label_classes(axes, names)
        if groups:
            class_groups.draw_lines(axes, parts)
            if many:
                class_groups.name_instead(axes, parts)
            else:
                class_groups.name_beside(axes, parts, side)
        axes.set(xlabel=CONFUSED[mode], ylabel="target")
        axes.set_title(heading, loc="left")
        figure.colorbar(axes.images[0], ax=axes, label="millibits", shrink=0.8, aspect=25)
    return figure, numbers


def _draw_panel(axes: Axes, matrix: Array, chance: Array) -> None:
    """Heat map of millibits; those smaller than by chance are pale."""
    largest = float(np.nanmax(np.abs(matrix))) if np.isfinite(matrix).any() else 0.0
    ranges = Normalize(-largest or -1.0, largest or 1.0)
    axes.set_facecolor("#d8d8d8")
    axes.imshow(matrix, cmap=COLOURS, norm=ranges, interpolation="nearest")
    if np.isnan(matrix).all():
        say(axes, NO_ENTRIES)
    pale = np.abs(matrix) < chance
    veil = np.ones((*matrix.shape, 4))  # white, and transparent where the number is not pale
    veil[..., 3] = np.where(pale, VEIL, 0.0)
    axes.imshow(veil, interpolation="nearest")
    digits = 0 if largest >= 20 else 1 if largest >= 2 else 2
    dark = np.abs(matrix) > 0.62 * (largest or 1.0)
    write_numbers(axes, matrix, lambda bits: f"{bits:z.{digits}f}".replace("-", "−"), dark & ~pale, pale=pale)


def _chance(numbers: pd.DataFrame) -> str:
    if numbers[list(CHANCE)].isna().all(axis=None):
        return ""
    left, right = (significant(value) for value in 1000 * numbers[list(CHANCE)].mean())
    alone = (
        f"Without any effect, chance in the test samples alone gives about {left} (left) and {right} (right) millibits"
    )
    return f"{alone}, in either direction; differences between trainings add to that."


def _runs(numbers: pd.DataFrame, mode: str) -> str:
    parts = []
    for column, text in (("n_confused", CONFUSED[mode]), ("n_reference", "otherwise")):
        low, high = int(numbers[column].min()), int(numbers[column].max())
        parts.append(f"{low if low == high else f'{low} to {high}'} runs {text}")
    return f"Each cell: {', '.join(parts)}."


def _left_out(n: int, grouped: bool) -> str:
    if n <= SHOWN_CLASSES:
        return "A millibit is a thousandth of a bit."
    named = "Groups are named, not classes" if grouped else f"{SHOWN_CLASSES} of {n} classes are named"
    return f"{named}; the numbers are in the table, in bits."
