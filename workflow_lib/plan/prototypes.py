"""Prototype studies: their sets of prototypes, files, tables and figures."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from workflow_lib.config.studies import ResolvedPrototypes, resolve_prototypes
from workflow_lib.intervals import of_grid
from workflow_lib.io.braces import braces
from workflow_lib.plan.outputs import Files, Output, figure, table
from workflow_lib.plan.study import StudyPlan
from workflow_lib.points import Grid

STORES = ("prototypes", "dissimilarity", "adversarial", "boundaries")
"""Result folders with one store per prototype set, or per layer of a set."""
SET = "{kind}/{study}/{model}/seed-{seed}/interval-{interval}/initialisation-{initialisation}"
FEATURES = "features/{model}/{dataset}/seed-{seed}/interval-{interval}/test/original/{layer}.zarr.zip"

OUTPUTS: Sequence[Output] = (
    table(
        "tabulate_prototypes",
        *("sets", "intervals", "tests", "pairs", "histograms", "quality", "quality_trend"),
        inputs={
            "prototypes": lambda s: s.stores("prototypes"),
            "dissimilarity": lambda s: s.dissimilarity(s.layered),
            "adversarial": lambda s: s.stores("adversarial"),
            "features": lambda s: s.features,
        },
        spec=lambda s: {"grids": s.layered, "include_self": s.settings.include_self, **s.unconverged},
        content="tables of C, R and quality",
    ),
    Output(
        "tabulate_boundaries",
        {
            "table": "boundary_images.csv",
            "intervals": "boundary_intervals.csv",
            "dissimilarity": "boundary_dissimilarity.csv",
        },
        inputs={
            "boundaries": lambda s: s.stores("boundaries"),
            "features": lambda s: s.dissimilarity(s.first_layers),
        },
        spec=lambda s: {"grids": s.grids, **s.unconverged},
        content="tables of boundary images",
        wanted=lambda s: s.settings.boundaries,
    ),
    figure(
        "class_prototypes",
        inputs={"prototypes": lambda s: s.class_prototypes},
        spec=lambda s: s.picture(sets=s.networks, classes=s.settings.classes),
        content="class prototypes",
    ),
    figure(
        "prototypes",
        inputs={"prototypes": lambda s: s.example_store("prototypes")},
        spec=lambda s: s.picture(set=s.example, classes=s.settings.classes),
        content="prototypes of every class from every class",
    ),
    figure(
        "trajectories",
        inputs={"prototypes": lambda s: s.example_store("prototypes")},
        spec=lambda s: s.picture(set=s.example, classes=s.settings.classes),
        content="descent to the class prototypes",
    ),
    figure(
        "dissimilarity",
        inputs={"intervals": "intervals.csv"},
        spec=lambda s: s.picture(include_self=s.settings.include_self, **s.unconverged),
        content="C and R over training",
    ),
    figure(
        "layers",
        inputs={"intervals": "intervals.csv"},
        spec=lambda s: s.picture(include_self=s.settings.include_self, **s.unconverged),
        content="C and R over layers",
        wanted=lambda s: any(len(part.layers) > 1 for part in s.study.models.values()),
    ),
    figure(
        "class_pairs",
        inputs={"pairs": "pairs.csv"},
        spec=lambda s: s.picture(classes=s.settings.classes, **s.unconverged),
        content="C and R by pair of classes",
    ),
    figure(
        "distributions",
        inputs={"histograms": "histograms.csv"},
        spec=lambda s: s.picture(include_self=s.settings.include_self, **s.unconverged),
        content="distributions of C and R",
    ),
    figure(
        "quality_vs_accuracy",
        inputs={"quality": "quality.csv", "trend": "quality_trend.csv"},
        spec=lambda s: s.picture(),
        content="quality of prototypes against accuracy",
    ),
    figure(
        "boundaries",
        inputs={
            "boundaries": lambda s: s.example_store("boundaries"),
            "prototypes": lambda s: s.example_store("prototypes"),
            "table": "boundary_images.csv",
            "intervals": "boundary_intervals.csv",
            "dissimilarity": "boundary_dissimilarity.csv",
        },
        spec=lambda s: s.picture(set=s.example, classes=s.settings.classes, **s.unconverged),
        content="boundary images",
        wanted=lambda s: s.settings.boundaries,
    ),
)


class PrototypePlan(StudyPlan):
    """The prototype sets of a study: one per model, seed, interval and initialisation."""

    family = "prototypes"
    all_outputs = OUTPUTS

    @cached_property
    def study(self) -> ResolvedPrototypes:
        """The study with all defaults filled in."""
        return resolve_prototypes(self.name, self.config)

    @property
    def unconverged(self) -> dict[str, str]:
        """How statistics treat images that have not converged, as a setting."""
        return {"unconverged": self.settings.unconverged}

    @cached_property
    def grids(self) -> list[Grid]:
        """Values of model, seed, interval and initialisation, as one grid per model."""
        initialisations = list(range(self.settings.initialisations))
        return [
            {
                "model": [name],
                "seed": [*part.seeds],
                "interval": [*part.intervals],
                "initialisation": initialisations,
                **self.reading(name),
            }
            for name, part in self.study.models.items()
        ]

    @property
    def layered(self) -> list[Grid]:
        """The grids with the layers whose features are compared."""
        parts = self.study.models.values()
        return [{**grid, "layer": [*part.layers]} for grid, part in zip(self.grids, parts, strict=True)]

    @property
    def first_layers(self) -> list[Grid]:
        """The grids with the first layer of the study, whose features boundary images have."""
        return [{**grid, "layer": grid["layer"][:1]} for grid in self.layered]

    @property
    def example(self) -> dict[str, Any]:
        """The set whose images are drawn: first model, first seed, last interval, first initialisation."""
        grid = self.grids[0]
        return {
            "model": grid["model"][0],
            "seed": grid["seed"][0],
            "interval": grid["interval"][-1],
            "initialisation": 0,
            **of_grid(grid),
        }

    @property
    def stages(self) -> Mapping[str, list[Files]]:
        """Stores of prototypes and of what is made from them, as the target `prototypes`."""
        boundaries = [self.stores("boundaries")] if self.settings.boundaries else []
        made = [self.stores("prototypes"), self.dissimilarity(self.layered), self.stores("adversarial")]
        return {"prototypes": [*made, *boundaries]}

    def stores(self, kind: str, grids: Sequence[Grid] | None = None) -> Files:
        """Stores of one kind, one per set, in the order of the grids; without them, of all sets."""
        return Files([self._of_set(grid, kind) + ".zarr.zip" for grid in grids or self.grids])

    def dissimilarity(self, grids: Sequence[Grid]) -> Files:
        """Stores of C and R, one per set and layer, in the order of these grids; the layer varies fastest."""
        return Files([f"{self._of_set(grid, 'dissimilarity')}/{braces(grid['layer'])}.zarr.zip" for grid in grids])

    def example_store(self, kind: str) -> Files:
        """The store of the set whose images are drawn."""
        example = {key: [value] for key, value in self.example.items()}
        return Files([self._of_set(example, kind) + ".zarr.zip"])

    @property
    def networks(self) -> list[dict[str, Any]]:
        """A set of each model and interval: first seed, first initialisation."""
        return [
            {"model": grid["model"][0], "seed": grid["seed"][0], "interval": interval, "initialisation": 0}
            for grid in self.grids
            for interval in grid["interval"]
        ]

    @property
    def class_prototypes(self) -> Files:
        """The stores of `networks`."""
        first: list[Grid] = [{**grid, "seed": grid["seed"][:1], "initialisation": [0]} for grid in self.grids]
        return Files([f"{self._of_set(grid, 'prototypes')}.zarr.zip" for grid in first])

    @property
    def features(self) -> Files:
        """Test features of the first layer, for each model, seed and interval; read for their predictions."""
        models = [self.config.models[name] for name in self.study.models]
        first = [{"dataset": [model.dataset], "layer": [next(iter(model.layers))]} for model in models]
        return Files([self._filled(FEATURES, grid, **more) for grid, more in zip(self.grids, first, strict=True)])

    def previous(self, model: str, interval: int) -> list[int]:
        """The previous interval, whose prototypes a warm start begins with; empty for the first one."""
        if self.settings.start != "warm":
            return []
        return [earlier for earlier in self.study.models[model].intervals if earlier < interval][-1:]

    def _of_set(self, grid: Grid, kind: str) -> str:
        return self._filled(SET, grid, kind=[kind], study=[self.name])

    def _filled(self, template: str, grid: Grid, **more: Sequence[object]) -> str:
        values = {key: braces(several) for key, several in {**grid, **more}.items()}
        return f"{self.results}/{template.format(**values)}"
