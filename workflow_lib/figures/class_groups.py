"""Groups of classes in heat maps: the order of the classes, lines between groups, and names of groups."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from workflow_lib.figures.style import SHOWN_CLASSES, class_names, labels_of, name_height

Groups = Mapping[str, Sequence[str]]
"""Names of classes by name of the group."""

LETTER = 0.075
"""Width of a letter in inches, about."""
MOST_NAMED = 30
"""Most names of groups on an axis; closer ones would touch."""


@dataclass(frozen=True)
class Span:
    """Neighbouring classes of one group: its written name, and the place of the first and after the last class."""

    name: str
    start: int
    stop: int

    @property
    def middle(self) -> float:
        """Position of the name on an axis."""
        return (self.start + self.stop - 1) / 2


def order(classes: Sequence[str], groups: Groups) -> tuple[list[str], str]:
    """Classes in their order, or sorted by group if that needs fewer lines; and a note on it."""
    if not groups:
        return list(classes), ""
    group, last = _group_of(classes, groups), len(groups)
    if sum(a != b for a, b in itertools.pairwise(group)) <= last:
        return list(classes), "Lines separate groups."
    place = {name: number for number, name in enumerate(groups)}
    ranked = sorted(zip(classes, group, strict=True), key=lambda both: place.get(both[1], last))
    return [name for name, _ in ranked], "Classes are sorted by group. Lines separate groups."


def spans(classes: Sequence[str], groups: Groups) -> list[Span]:
    """Neighbours of one group, in the order of the classes; the name is "" where classes have no group."""
    written, found, start = class_names(labels_of([groups])), [], 0
    for name, members in itertools.groupby(_group_of(classes, groups)):
        stop = start + len(list(members))
        found.append(Span(written.get(name, ""), start, stop))
        start = stop
    return found


def draw_lines(axes: Axes, parts: Sequence[Span]) -> None:
    """Lines between neighbours of different groups."""
    width = 0.8 if parts[-1].stop <= SHOWN_CLASSES else 0.4
    for part in parts[1:]:
        axes.axhline(part.start - 0.5, color="black", linewidth=width)
        axes.axvline(part.start - 0.5, color="black", linewidth=width)


def room_beside(parts: Sequence[Span], side: float) -> float:
    """Inches that the names of groups need above and at the right of a heat map of this side; 0 without groups."""
    names = [part.name for part in parts if part.name]
    return 0.0 if not names else 0.2 if _fit(parts, side) else name_height(names)


def name_beside(axes: Axes, parts: Sequence[Span], side: float) -> None:
    """Write the names of groups above and at the right, along the axes if they are long enough.

    Args:
        axes: the heat map, with the names of classes below and at the left.
        parts: from `spans`.
        side: of the heat map in inches.
    """
    named, along = [part for part in parts if part.name], _fit(parts, side)
    middles, names = [part.middle for part in named], [part.name for part in named]
    above, right = axes.secondary_xaxis("top"), axes.secondary_yaxis("right")
    above.set_xticks(middles, names, rotation=0 if along else 90)
    right.set_yticks(middles, names, rotation=270 if along else 0, va="center")
    for axis in (above, right):
        axis.tick_params(length=0)
        axis.spines[:].set_visible(False)


def name_instead(axes: Axes, parts: Sequence[Span]) -> None:
    """Write the names of groups in place of those of the classes; names that would touch the former are left out."""
    named: list[Span] = []
    for part in parts:
        if part.name and (not named or part.middle - named[-1].middle >= parts[-1].stop / MOST_NAMED):
            named.append(part)
    middles, names = [part.middle for part in named], [part.name for part in named]
    axes.set_xticks(middles, names, rotation=90)
    axes.set_yticks(middles, names)
    axes.tick_params(length=0)


def _fit(parts: Sequence[Span], side: float) -> bool:
    """Whether each name is shorter than its span."""
    return all(LETTER * len(part.name) <= side / parts[-1].stop * (part.stop - part.start) for part in parts)


def _group_of(classes: Sequence[str], groups: Groups) -> list[str]:
    """The group of each class; "" for none."""
    known = {name: group for group, members in groups.items() for name in members}
    return [known.get(name, "") for name in classes]
