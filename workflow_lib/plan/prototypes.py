"""One study of prototypes as the jobs see it: its sets of prototypes, and where their results lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workflow_lib.config.models import Model
from workflow_lib.config.studies import ResolvedPrototypes
from workflow_lib.plan.kstar import Files
from workflow_lib.points import Grid
from workflow_lib.runner.braces import braces

SET = "{study}/{model}/seed-{seed}/interval-{interval}/initialisation-{initialisation}"
STORES = ("prototypes", "dissimilarity", "boundaries")
"""Folders of what there is one of for each set."""
TABLES = ("sets", "intervals", "tests", "pairs", "histograms", "quality")
BOUNDARY_TABLES = ("boundary_images", "boundary_intervals")
FIGURES = ("prototypes", "way", "dissimilarity", "class_pairs", "distributions", "quality")


@dataclass(frozen=True)
class PrototypePlan:
    """The sets of prototypes of a study: one for each model, seed, interval and initialisation.

    Attributes:
        name: of the study.
        study: what the config asks for.
        models: the section of the config.
    """

    name: str
    study: ResolvedPrototypes
    models: Mapping[str, Model]

    @property
    def grids(self) -> list[Grid]:
        """Values of model, seed, interval and initialisation; one grid for each model."""
        initialisations = list(range(self.study.settings.initialisations))
        return [
            {"model": [name], "seed": [*part.seeds], "interval": [*part.intervals], "initialisation": initialisations}
            for name, part in self.study.models.items()
        ]

    @property
    def example(self) -> dict[str, Any]:
        """The set whose images are shown: of the first model the first seed, the last interval, the first start."""
        grid = self.grids[0]
        return {
            "model": grid["model"][0],
            "seed": grid["seed"][0],
            "interval": grid["interval"][-1],
            "initialisation": 0,
        }

    @property
    def has_boundaries(self) -> bool:
        """Whether boundary images are looked for."""
        return self.study.settings.boundaries

    @property
    def figures(self) -> list[str]:
        """Names of its figures."""
        return [*FIGURES, "boundaries"] if self.has_boundaries else [*FIGURES]

    @property
    def tables(self) -> list[str]:
        """Names of its tables."""
        return [*TABLES, *BOUNDARY_TABLES] if self.has_boundaries else [*TABLES]

    def stores(self, kind: str) -> Files:
        """Stores of one kind, one for each set, in the order of the grids."""
        return Files([self._store(kind, grid) for grid in self.grids])

    def example_store(self, kind: str) -> str:
        """The store of the set that is shown."""
        return self._store(kind, {key: [value] for key, value in self.example.items()})

    @property
    def features(self) -> Files:
        """Test features of one layer for each model, seed and interval: they hold the predictions."""
        template = "results/features/{model}/seed-{seed}/interval-{interval}/test/original/{layer}.zarr.zip"
        layers = [next(iter(self.models[name].layers)) for name in self.study.models]
        return Files(
            [_filled(template, {**grid, "layer": [layer]}) for grid, layer in zip(self.grids, layers, strict=True)]
        )

    def previous(self, model: str, interval: int) -> list[int]:
        """The interval whose prototypes a warm start begins with; none for the first one."""
        if self.study.settings.start != "warm":
            return []
        return [earlier for earlier in self.study.models[model].intervals if earlier < interval][-1:]

    def _store(self, kind: str, grid: Grid) -> str:
        return _filled(f"results/{kind}/{SET}.zarr.zip", {"study": [self.name], **grid})


def _filled(template: str, values: Mapping[str, Sequence[object]]) -> str:
    return template.format(**{key: braces(several) for key, several in values.items()})
