"""What the intervals of a study are shares of: of a training, or of its images (docs/science.md 2.5)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

INTERVALS_OF = "intervals_of"
"""Key of a grid or point, and column of a table: epochs or data; missing where all intervals are of the epochs."""
AXES = {"epochs": "share of the training done (%)", "data": "share of the training images (%)"}
BOTH = "share of training or images (%)"
SHARES = {"epochs": "training", "data": "the data"}


def of_grid(grid: Mapping[str, Sequence[Any]]) -> dict[str, str]:
    """What the intervals of a grid are shares of, as part of its points; empty for the epochs."""
    return {INTERVALS_OF: str(grid[INTERVALS_OF][0])} if INTERVALS_OF in grid else {}


def reading(point: Mapping[str, Any]) -> str:
    """What the interval of a point is a share of: epochs or data."""
    return str(point.get(INTERVALS_OF, "epochs"))


def readings(table: "pd.DataFrame") -> list[str]:
    """What the intervals of a table are shares of: epochs, data, or both."""
    return sorted(set(table[INTERVALS_OF]), reverse=True) if INTERVALS_OF in table else ["epochs"]


def axis(table: "pd.DataFrame") -> str:
    """Label of an axis of intervals."""
    known = readings(table)
    return AXES[known[0]] if len(known) == 1 else BOTH


def share(interval: object, of: Iterable[str]) -> str:
    """An interval in words, such as "25 % of training"."""
    return f"{interval}\N{NO-BREAK SPACE}% of {' or '.join(SHARES[known] for known in of)}"


def with_reading(table: "pd.DataFrame", grids: Iterable[Mapping[str, Sequence[Any]]]) -> "pd.DataFrame":
    """A table of a study, with the column `intervals_of` after `interval` if a model has intervals of the data."""
    known = {grid["model"][0]: reading(of_grid(grid)) for grid in grids}
    if set(known.values()) <= {"epochs"} or "interval" not in table:
        return table
    told = table.copy()
    told.insert(list(table.columns).index("interval") + 1, INTERVALS_OF, table["model"].map(known))
    return told
