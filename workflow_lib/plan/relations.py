"""Studies of relations between classes: the studies that they compare, their tables and figures."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from workflow_lib.config.relations import RelationStudy
from workflow_lib.config.studies import resolve_relations
from workflow_lib.plan.confusion import ConfusionPlan
from workflow_lib.plan.kstar import KstarPlan
from workflow_lib.plan.outputs import Files, Output, figure, table
from workflow_lib.plan.prototypes import PrototypePlan
from workflow_lib.plan.study import StudyPlan
from workflow_lib.points import Grid

OUTPUTS: Sequence[Output] = (
    table(
        "tabulate_relations",
        *("class_pairs", "measures", "correlations"),
        inputs={
            "kstar": lambda s: s.kstar.kstar([s.kstar_grid]) if s.kstar else Files([]),
            "sets": lambda s: s.prototypes.stores("prototypes", [s.prototype_grid]) if s.prototypes else Files([]),
            "features": lambda s: s.prototypes.dissimilarity([s.prototype_grid]) if s.prototypes else Files([]),
            "prototype_pairs": lambda s: s.tables("prototypes", "pairs.csv"),
            "boundaries": lambda s: s.tables("prototypes", "boundary_images.csv"),
            "effects": lambda s: s.tables("confusion", "effects.csv"),
            "confusion_pairs": lambda s: s.tables("confusion", "pairs.csv"),
            "shares": lambda s: s.tables("confusion", "shares.csv"),
        },
        spec=lambda s: {
            "sources": s.sources,
            "permutations": s.settings.permutations,
            "seed": 0,
        },
        content="measures of pairs of classes and their correlations",
        minutes=60,
    ),
    figure(
        "correlation_matrix",
        inputs={"correlations": "correlations.csv", "measures": "measures.csv"},
        spec=lambda s: s.picture(),
        content="rank correlations of measures of pairs of classes",
    ),
    figure(
        "strongest",
        inputs={"pairs": "class_pairs.csv", "correlations": "correlations.csv", "measures": "measures.csv"},
        spec=lambda s: s.picture(),
        content="strongest correlations between methods",
    ),
)


class RelationsPlan(StudyPlan):
    """The parts of a study: one study of two or three of the other families, each at one point."""

    family = "relations"
    all_outputs = OUTPUTS

    @cached_property
    def study(self) -> RelationStudy:
        """The study with its title."""
        return resolve_relations(self.name, self.config)

    @property
    def stages(self) -> Mapping[str, list[Files]]:
        """None: its parts are those of other studies."""
        return {}

    @cached_property
    def kstar(self) -> KstarPlan | None:
        """The k* study."""
        return KstarPlan(self.study.kstar, self.config) if self.study.kstar else None

    @cached_property
    def prototypes(self) -> PrototypePlan | None:
        """The prototype study."""
        return PrototypePlan(self.study.prototypes, self.config) if self.study.prototypes else None

    @cached_property
    def confusion(self) -> ConfusionPlan | None:
        """The confusion study."""
        return ConfusionPlan(self.study.confusion, self.config) if self.study.confusion else None

    @property
    def kstar_grid(self) -> Grid:
        """The points of the k* study that are averaged: all seeds."""
        grid = self._of_model(self.kstar.grids if self.kstar else [])
        return {
            **grid,
            "dataset": grid["dataset"][:1],
            "interval": self._chosen("interval", grid["interval"][-1:]),
            "split": ["test"] if "test" in grid["split"] else grid["split"][:1],
            "transform": grid["transform"][:1],
            "layer": self._chosen("layer", grid["layer"][-1:]),
            "metric": self._chosen("metric", grid["metric"][:1]),
        }

    @property
    def prototype_grid(self) -> Grid:
        """The sets of the prototype study that are averaged: all seeds and initialisations; and its first layer."""
        grid = self._of_model(self.prototypes.first_layers if self.prototypes else [])
        return {**grid, "interval": self._chosen("interval", grid["interval"][-1:])}

    @property
    def sources(self) -> dict[str, dict[str, Any]]:
        """Where the measures of each part come from, by section; of the prototypes also which images count."""
        found: dict[str, dict[str, Any]] = {}
        if self.kstar:
            grid = self.kstar_grid
            point = {key: grid[key][0] for key in ("model", "interval", "layer", "metric")}
            found["kstar"] = {"study": self.kstar.name, **point, "seeds": len(grid["seed"])}
        if self.prototypes:
            grid = self.prototype_grid
            point = {key: grid[key][0] for key in ("model", "interval", "layer")}
            seeds, starts = len(grid["seed"]), len(grid["initialisation"])
            counted = {"seeds": seeds, "sets": seeds * starts, **self.prototypes.unconverged}
            found["prototypes"] = {"study": self.prototypes.name, **point, **counted}
        if self.confusion:
            settings = self.confusion.settings
            found["confusion"] = {"study": self.confusion.name, "model": settings.model, "seeds": len(settings.seeds)}
        return found

    def tables(self, section: str, name: str) -> Files:
        """A table of a part; none if the study has no such part, or the part no such table."""
        part: StudyPlan | None = getattr(self, section)
        made = [path for output in part.outputs for path in part.files(output).values()] if part else []
        return Files([path for path in made if path.rpartition("/")[2] == name])

    def _of_model(self, grids: Sequence[Grid]) -> Grid:
        """The grid of the chosen model; without a choice there is one model only."""
        return next(grid for grid in grids if self.study.model in (None, grid["model"][0]))

    def _chosen(self, key: str, otherwise: Sequence[Any]) -> Sequence[Any]:
        value = getattr(self.study, key)
        return otherwise if value is None else [value]
