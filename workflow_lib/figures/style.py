"""Colours, fonts, sizes, short names, and saving: one style for all figures."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from workflow_lib.io.files import atomic
from workflow_lib.io.storage import write_table

if TYPE_CHECKING:
    import pandas as pd

FONT = "DejaVu Sans"
"""Comes with matplotlib, so figures look the same on every machine."""

DEFAULTS: Any = {key: value for key, value in mpl.rcParamsDefault.items() if key != "backend"}
"""Matplotlib's own settings, so that no matplotlibrc of the user changes a figure."""

RC: Any = DEFAULTS | {
    "font.family": FONT,
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "text.parse_math": False,  # a dollar sign in the name of a class is a dollar sign
    "savefig.dpi": 160,
    "svg.hashsalt": "latent-atlas",  # otherwise the identifiers in an SVG differ from run to run
}

PATTERN_COLOURS = {"Fractured": "#d55e00", "Overlapped": "#767676", "Clustered": "#0072b2", "Undefined": "#cc79a7"}
"""From the palette of Okabe and Ito, distinguishable with every kind of colour vision."""

TEN_COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
"""For lines and marks other than classes, distinguishable with every kind of colour vision (Petroff 2021)."""

CLASS_COLOURS = (
    *("#003399", "#00bb00", "#dd00ff", "#663300", "#77ddff"),
    *("#777744", "#772244", "#007777", "#ddcc99", "#bb9999"),
)
"""Of ten classes: at least 16 (CIEDE2000) from every colour of a pattern, and 25 from one another; 16 if red-blind or
green-blind."""

SHOWN_CLASSES = 20
"""Number of classes that a figure can show distinguishably."""

NAME_LENGTH = 16
SMALLEST_WIDTH = 6.5  # inches; room for the title and the line below the figure
LEGEND_WIDTH = 2.2  # inches; a legend at the upper right stands beside the title


def new_figure(width: float, height: float, title: str, *note: str) -> Figure:
    """An empty figure with its title above and a note below.

    Call it, and everything that draws into it, under `mpl.rc_context(RC)`.

    Args:
        width: in inches.
        height: in inches, without title and note.
        title: heading.
        note: sentences that say how to read the figure and what it shows; empty ones are left out.
    """
    width = max(width, SMALLEST_WIDTH)
    lines = textwrap.fill(" ".join(filter(None, note)), int(width * 16))
    heading = textwrap.fill(title, int((width - LEGEND_WIDTH) * 11))
    height += 0.13 * (lines.count("\n") + 1) + 0.16 * heading.count("\n") + 0.3
    figure = Figure((width, height), layout="constrained")
    figure.suptitle(heading, x=0.01, ha="left", fontsize=10, fontweight="bold")
    figure.supxlabel(lines, x=0.01, ha="left", fontsize=7, color="#404040")
    return figure


def class_styles(count: int) -> list[tuple[Any, str]]:
    """Colour and marker of each of `count` classes.

    Ten colours, then the same ten with another marker; for more than twenty classes, a continuous range of colours.
    """
    if count > SHOWN_CLASSES:
        return [(mpl.colormaps["viridis"](i / (count - 1)), "o") for i in range(count)]
    return [(CLASS_COLOURS[i % 10], "o^"[i // 10]) for i in range(count)]


def pattern_patches(threshold: float, undefined: bool = False) -> list[Patch]:
    """Legend entries of the patterns, with the thresholds that define them."""
    texts = {
        "Fractured": f"Fractured: skewness > {threshold:g}",
        "Overlapped": "Overlapped: between",
        "Clustered": f"Clustered: skewness < −{threshold:g}",
        "Undefined": "Undefined: all values equal",
    }
    return [
        Patch(color=PATTERN_COLOURS[name], label=text)
        for name, text in texts.items()
        if name != "Undefined" or undefined
    ]


def signed(value: float) -> str:
    """A number with two decimals and a true minus sign; "–" for NaN."""
    return "–" if value != value else f"{value:z.2f}".replace("-", "−")


def significant(value: float) -> str:
    """A number with three significant digits, but at most six decimals, and a true minus sign; "–" for NaN."""
    if value != value:
        return "–"
    exponent = int(f"{value:.2e}".partition("e")[2])
    return f"{value:z.{min(max(0, 2 - exponent), 6)}f}".replace("-", "−")


def short_names(names: Sequence[str]) -> list[str]:
    """Names of models and the like as figures write them; see `class_names`. "#3" replaces the third name."""
    return _short(names, [f"#{place}" for place in range(1, len(names) + 1)])


def class_names(labels: Mapping[str, int]) -> dict[str, str]:
    """Name of each class as the figures of a study write it: cut to 16 characters with an ellipsis, still distinct.

    Names that would be equal when cut keep their ends: "long…name 1". A name that would still be equal to another, or
    that the font cannot write, becomes "class 7", with its label.

    Args:
        labels: by name, of all classes of the study: what a name becomes depends on the others.
    """
    return dict(zip(labels, _short(list(labels), [f"class {label}" for label in labels.values()]), strict=True))


def labels_of(lists: Iterable[Iterable[str]]) -> dict[str, int]:
    """Label of each class by its name, from lists of names in the order of their labels."""
    labels: dict[str, int] = {}
    for names in lists:
        for label, name in enumerate(dict.fromkeys(names)):
            labels.setdefault(name, label)
    return labels


def _short(names: Sequence[str], otherwise: Sequence[str]) -> list[str]:
    cut = [_shorten(" ".join(name.split()), keep_end=0) for name in names]
    ends = [_shorten(" ".join(name.split()), keep_end=7) for name in names]
    distinct = [end if cut.count(short) > 1 else short for short, end in zip(cut, ends, strict=True)]
    written = [name if set(map(ord, name)) <= _glyphs() and distinct.count(name) == 1 else "" for name in distinct]
    for place, text in enumerate(otherwise):
        while not written[place]:
            written[place], text = "" if text in written else text, f"({text})"
    return written


def name_rotation(names: Sequence[str]) -> int:
    """Rotation of names below a panel, in degrees: 0 for names of one or two characters, else 90."""
    return 90 if max(map(len, names)) > 2 else 0


def name_height(names: Iterable[str]) -> float:
    """Height in inches of names below a panel."""
    return 0.3 + 0.075 * max(map(len, names))


def _shorten(name: str, keep_end: int) -> str:
    if len(name) <= NAME_LENGTH:
        return name
    return name[: NAME_LENGTH - 1 - keep_end] + "…" + (name[-keep_end:] if keep_end else "")


@cache
def _glyphs() -> frozenset[int]:
    """Characters that the font can write."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(FONT)).get_charmap())


def save(figure: Figure, numbers: "pd.DataFrame", *, svg: Path, png: Path, csv: Path) -> None:
    """Write a figure in two formats, and the numbers behind it; each file is complete or absent.

    Equal figures give equal bytes: the files hold no date and no version of matplotlib.
    """
    with mpl.rc_context(RC):
        for path, kind, metadata in (
            (svg, "svg", {"Date": None, "Creator": None}),
            (png, "png", {"Software": None}),
        ):
            with atomic(path) as scratch:
                figure.savefig(scratch, format=kind, metadata=metadata)
    write_table(numbers, csv)
