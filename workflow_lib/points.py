"""The points of a study: combinations of model, seed, interval, split, transform, layer and metric."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DIMENSIONS = ("model", "seed", "interval", "split", "transform", "layer", "metric")
"""Dimensions that a study can vary, in the order of result paths and table columns."""

Grid = Mapping[str, Sequence[Any]]
"""Values of every dimension; the grid is their full product. A study is a list of grids, one per model."""


def points(grids: Iterable[Grid]) -> list[dict[str, Any]]:
    """All points of a study as {dimension: value}, grid by grid; the last dimension varies fastest."""
    return [
        dict(zip(DIMENSIONS, values, strict=True))
        for grid in grids
        for values in itertools.product(*(grid[dimension] for dimension in DIMENSIONS))
    ]


def varied(grids: Sequence[Grid]) -> list[str]:
    """Dimensions that take more than one value in a study."""
    return [d for d in DIMENSIONS if len({value for grid in grids for value in grid[d]}) > 1]
