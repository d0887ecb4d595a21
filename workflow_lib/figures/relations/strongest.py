"""Scatter of the two measures that correlate most, for each two methods."""

import itertools
import textwrap
from collections.abc import Iterator, Mapping

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from workflow_lib.figures.axes import nothing
from workflow_lib.figures.style import RC, TEN_COLOURS, class_names, labels_of, new_figure, signed

READING = (
    "For each two methods, the two measures with the largest |ρ|. They were chosen because they correlate, so look at "
    "the adjusted p. Dot: a pair of classes. A → B: the measure of A with respect to B; A, B: mean of both directions. "
    "The outermost dots have names, unless two would touch."
)
NAMED = 16
"""Dots that may have names: those farthest from the middle of a panel."""
LINE = 38
"""About the most letters in a line of the name of an axis."""
MANY = 5000
"""More dots than this are drawn as an image inside the SVG, which would be too large."""
COLUMNS = ["panel", "measure", "other", "class_a", "class_b", "x", "y"]


@mpl.rc_context(RC)
def draw(
    pairs: pd.DataFrame, correlations: pd.DataFrame, measures: pd.DataFrame, *, title: str
) -> tuple[Figure, pd.DataFrame]:
    """A panel for each two methods of which a correlation is defined.

    Args:
        pairs: from `pair_table`.
        correlations: from `correlation_table`.
        measures: from `measure_table`.
        title: heading of the figure.

    Returns:
        The figure, and its dots: panel, measure, other, class_a, class_b, x, y.
    """
    method, meaning = (
        dict(zip(measures["measure"], measures[column], strict=True)) for column in ("method", "meaning")
    )
    chosen = list(_strongest(correlations, method))
    if not chosen:
        return nothing(title, "no correlation is defined", READING), pd.DataFrame(columns=COLUMNS)
    names = class_names(labels_of([pairs["class_a"]]))
    figure = new_figure(3.0 * len(chosen), 3.2, title, READING)
    parts = []
    for panel, (axes, row) in enumerate(zip(figure.subplots(1, len(chosen), squeeze=False)[0], chosen, strict=True)):
        dots = _dots(pairs, str(row["measure"]), str(row["other"]), ordered=row["pairs"] == "ordered")
        _draw_panel(axes, dots, row, names)
        axes.set(xlabel=_name(row["measure"], meaning), ylabel=_name(row["other"], meaning))
        parts.append(dots.assign(panel=panel, measure=row["measure"], other=row["other"]))
    figure.draw_without_rendering()  # only then it is known how long the names are
    for axes in figure.axes:
        _thin(axes)
    return figure, pd.concat(parts, ignore_index=True)[COLUMNS]


def _strongest(correlations: pd.DataFrame, method: Mapping[str, str]) -> Iterator["pd.Series"]:
    """The row with the largest |rho| for each two methods."""
    known = correlations[correlations["rho"].notna()]
    for one, other in itertools.combinations(dict.fromkeys(method.values()), 2):
        own = known[(known["measure"].map(method) == one) & (known["other"].map(method) == other)]
        if len(own):
            yield own.iloc[int(own["rho"].abs().argmax())]


def _dots(pairs: pd.DataFrame, x: str, y: str, *, ordered: bool) -> pd.DataFrame:
    """class_a, class_b, x, y of each pair with both; unordered pairs have the means of both directions."""
    dots = pd.DataFrame({"class_a": pairs["class_a"], "class_b": pairs["class_b"], "x": pairs[x], "y": pairs[y]})
    if not ordered:
        turned = dots.rename(columns={"class_a": "class_b", "class_b": "class_a"})
        both = dots.merge(turned, on=["class_a", "class_b"], suffixes=("", "_turned"))
        place = {name: place for place, name in enumerate(dict.fromkeys(pairs["class_a"]))}
        both = both[both["class_a"].map(place) < both["class_b"].map(place)]
        dots = both.assign(**{axis: (both[axis] + both[f"{axis}_turned"]) / 2 for axis in ("x", "y")})
    return dots.dropna(subset=["x", "y"])[["class_a", "class_b", "x", "y"]].reset_index(drop=True)


def _draw_panel(axes: Axes, dots: pd.DataFrame, row: "pd.Series", names: Mapping[str, str]) -> None:
    axes.plot(
        dots["x"], dots["y"], "o", color=TEN_COLOURS[0], markersize=3, alpha=0.6, mew=0, rasterized=len(dots) > MANY
    )
    values = dots[["x", "y"]]
    outermost = (((values - values.mean()) / values.std()) ** 2).sum(axis=1).nlargest(NAMED).index
    between = " → " if row["pairs"] == "ordered" else ", "
    middle = (dots["x"].min() + dots["x"].max()) / 2
    for dot in dots.loc[outermost].itertuples():
        text = f"{names[str(dot.class_a)]}{between}{names[str(dot.class_b)]}"
        beside = {"xytext": (2, 2)} if dot.x < middle else {"xytext": (-2, 2), "ha": "right"}
        axes.annotate(text, (dot.x, dot.y), textcoords="offset points", fontsize=6, color="#404040", **beside)
    rho, p = signed(row["rho"]), f"{row['p_adjusted']:.2g}"
    axes.set_title(f"ρ = {rho}, adjusted p = {p}\n{row['n']} {row['pairs']} pairs", loc="left")


def _name(measure: str, meaning: Mapping[str, str]) -> str:
    """A measure and what it is, as the name of an axis."""
    text = f"{measure}: {meaning[measure]}".replace("_", " ")
    return textwrap.fill(text, len(text) // -(-len(text) // LINE) + 4)  # lines of about equal length


def _thin(axes: Axes) -> None:
    """Remove the names of dots that touch one before."""
    taken: list[Bbox] = []
    for text in list(axes.texts):
        box = text.get_window_extent()
        if any(box.overlaps(other) for other in taken):
            text.remove()
        else:
            taken.append(box)
