"""One place for colours, fonts, sizes, the wording of names, and how a figure is saved."""

import textwrap
from collections.abc import Sequence
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
"""Comes with matplotlib, so figures look the same everywhere."""

RC: Any = {
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
"""From the palette of Okabe and Ito, apart for every kind of colour vision."""

TEN_COLOURS = (
    *("#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6"),
    *("#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd"),
)
"""Ten class colours that stay apart for every kind of colour vision (Petroff 2021)."""

SHOWN_CLASSES = 20
"""Number of classes that one picture can tell apart."""

NAME_LENGTH = 16
SMALLEST_WIDTH = 6.5  # inches; room for the title and the line below the figure


def new_figure(width: float, height: float, title: str, *note: str) -> Figure:
    """Empty figure of a size in inches, with its title above and a line below that says what it shows.

    To be called, like all that draws into it, under `mpl.rc_context(RC)`.

    Args:
        width: in inches.
        height: in inches, without title and note.
        title: heading.
        note: sentences; empty ones are left out.
    """
    width = max(width, SMALLEST_WIDTH)
    lines = textwrap.fill(" ".join(filter(None, note)), int(width * 16))
    figure = Figure((width, height + 0.13 * (lines.count("\n") + 1) + 0.3), layout="constrained")
    figure.suptitle(textwrap.fill(title, int(width * 11)), x=0.01, ha="left", fontsize=10, fontweight="bold")
    figure.supxlabel(lines, x=0.01, ha="left", fontsize=7, color="#404040")
    return figure


def class_styles(count: int) -> list[tuple[Any, str]]:
    """Colour and marker of each of `count` classes.

    Ten colours, then the same with another marker; beyond twenty classes a continuous range of colours.
    """
    if count > SHOWN_CLASSES:
        return [(mpl.colormaps["viridis"](i / (count - 1)), "o") for i in range(count)]
    return [(TEN_COLOURS[i % 10], "o^"[i // 10]) for i in range(count)]


def pattern_patches(threshold: float, undefined: bool = False) -> list[Patch]:
    """Legend entries of the patterns, in words a reader can check against the numbers."""
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


def short_names(names: Sequence[str]) -> list[str]:
    """Names cut to 16 characters with an ellipsis, still distinct; "#3" for the third if the font cannot write it.

    Names that would read the same when cut keep their ends instead: "long…name 1", or their number at last.
    """
    cut = [_shorten(" ".join(name.split()), keep_end=0) for name in names]
    ends = [_shorten(" ".join(name.split()), keep_end=7) for name in names]
    distinct = [end if cut.count(short) > 1 else short for short, end in zip(cut, ends, strict=True)]
    return [
        name if set(map(ord, name)) <= _glyphs() and distinct.count(name) == 1 else f"#{number}"
        for number, name in enumerate(distinct, start=1)
    ]


def name_rotation(names: Sequence[str]) -> int:
    """Degrees by which names below a panel are turned: digits and letters stand upright."""
    return 90 if max(map(len, names)) > 2 else 0


def name_height(names: Sequence[str]) -> float:
    """Room in inches for names below a panel."""
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
    """Write a figure in two formats and the numbers behind it; each file is whole or absent.

    Equal figures give equal bytes: no date, no version of the drawing library.
    """
    with mpl.rc_context(RC):
        for path, kind, metadata in (
            (svg, "svg", {"Date": None, "Creator": None}),
            (png, "png", {"Software": None}),
        ):
            with atomic(path) as scratch:
                figure.savefig(scratch, format=kind, metadata=metadata)
    write_table(numbers, csv)
