"""The points of a study: combinations of model, dataset, seed, interval, split, transform, layer and metric."""

import itertools
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from workflow_lib.intervals import of_grid

DIMENSIONS = ("model", "dataset", "seed", "interval", "split", "transform", "layer", "metric")
"""Dimensions that a study can vary, in the order of result paths and table columns."""

Grid = Mapping[str, Sequence[Any]]
"""Values of every dimension; the grid is their full product. A study is a list of grids, one per model."""


def points(grids: Iterable[Grid]) -> list[dict[str, Any]]:
    """All points of a study as {dimension: value}, grid by grid; the last dimension varies fastest.

    Points of a grid that says what its intervals are shares of say so, too (`intervals.reading`).
    """
    return [
        dict(zip(DIMENSIONS, values, strict=True)) | of_grid(grid)
        for grid in grids
        for values in itertools.product(*(grid[dimension] for dimension in DIMENSIONS))
    ]


def varied(grids: Sequence[Grid]) -> list[str]:
    """Dimensions that take more than one value in a study, as `varying` counts them."""
    values = {d: [value for grid in grids for value in grid[d]] for d in DIMENSIONS}
    pairs = [pair for grid in grids for pair in itertools.product(grid["model"], grid["dataset"])]
    return _varying(values, pairs)


def varying(points: Collection[Mapping[str, Any]]) -> list[str]:
    """Dimensions that take more than one value in these points; not the dataset if it only follows the model."""
    values = {d: [point[d] for point in points] for d in DIMENSIONS}
    return _varying(values, zip(values["model"], values["dataset"], strict=True))


def _varying(values: Mapping[str, Iterable[Any]], pairs: Iterable[tuple[Any, Any]]) -> list[str]:
    several = [dimension for dimension in DIMENSIONS if len(set(values[dimension])) > 1]
    follows = len(set(pairs)) == len(set(values["model"]))  # each model has one dataset
    return [dimension for dimension in several if not (dimension == "dataset" and follows)]
