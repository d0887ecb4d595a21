"""k* studies: their points, files, tables and figures."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from workflow_lib.config.studies import ResolvedKstar, resolve_kstar
from workflow_lib.config.transforms import scales, strengths
from workflow_lib.io.braces import braces
from workflow_lib.names import IMPORTED, ORIGINAL
from workflow_lib.plan.outputs import Files, Output, figure, table
from workflow_lib.plan.study import StudyPlan
from workflow_lib.points import DIMENSIONS, Grid, varied

FROM_MODEL = "{model}/{dataset}/seed-{seed}/interval-{interval}/{split}/{transform}/{layer}"
FROM_FILE = IMPORTED + "/{model}"


OUTPUTS: Sequence[Output] = (
    table(
        "tabulate_kstar",
        *("classes", "aggregates", "pieces", "examples", "seeds", "trend"),
        inputs={"kstar": lambda s: s.kstar(s.grids)},
        spec=lambda s: {
            "grids": s.grids,
            "strengths": s.strengths,
            "scales": s.scales,
            "skewness": s.config.kstar.skewness,
            "threshold": s.threshold,
        },
        content="rows per class, pattern and seed, pieces, examples and trends",
    ),
    Output(
        "collect_kstar",
        {"array": "kstar.zarr.zip"},
        inputs={"kstar": lambda s: s.kstar(s.grids)},
        spec=lambda s: {"grids": s.grids},
        content="k* of all points as one array",
        minutes=60,
    ),
    Output(
        "render_tables",
        {"page": "tables.html", "md": "table.md", "tex": "table.tex"},
        inputs={name: f"{name}.csv" for name in ("classes", "aggregates", "pieces", "seeds", "trend")},
        spec=lambda s: s.picture(description=s.study.description),
        content="classes and patterns",
        reported="page",
    ),
    figure(
        "violins",
        inputs={"kstar": lambda s: s.kstar(s.examples), "classes": "classes.csv"},
        spec=lambda s: s.picture(grids=s.examples, threshold=s.threshold),
        content="distributions of k*",
    ),
    figure(
        "neighbours",
        inputs={"neighbours": lambda s: s.neighbours},
        spec=lambda s: s.picture(grids=s.mapped, k=s.config.kstar.neighbours),
        content="classes of nearest neighbours",
    ),
    figure(
        "trends",
        inputs={"classes": "classes.csv"},
        spec=lambda s: s.picture(threshold=s.threshold, scale=next(iter(s.scales)) if len(s.scales) == 1 else None),
        content="mean and skewness of k*, and accuracy",
        wanted=lambda s: bool(set(s.varied) - {"seed"}),
    ),
    figure(
        "accuracy_vs_kstar",
        inputs={"classes": "classes.csv", "trend": "trend.csv"},
        spec=lambda s: {"title": s.study.title, "threshold": s.threshold},
        content="accuracy against mean and skewness of k*",
        wanted=lambda s: not s.study.imported,
    ),
    figure(
        "maps",
        inputs={"maps": lambda s: s.maps, "kstar": lambda s: s.kstar(s.mapped), "classes": "classes.csv"},
        spec=lambda s: s.picture(grids=s.mapped, methods=list(s.study.maps), threshold=s.threshold),
        content="maps of features beside their k*",
        apart=True,  # maps take long, and the other figures need none
        wanted=lambda s: bool(s.study.maps),
    ),
)


class KstarPlan(StudyPlan):
    """The points of a study and their files."""

    family = "kstar"
    all_outputs = OUTPUTS

    @cached_property
    def study(self) -> ResolvedKstar:
        """The study with all defaults filled in."""
        return resolve_kstar(self.name, self.config)

    @cached_property
    def grids(self) -> list[Grid]:
        """All points, as one grid per model."""
        if self.study.imported:
            return _imported_grids(self.study)
        return [grid | self.reading(grid["model"][0]) for grid in _model_grids(self.study)]

    @property
    def examples(self) -> list[Grid]:
        """Points whose single samples are drawn: the first seed of each model."""
        return [{**grid, "seed": grid["seed"][:1]} for grid in self.grids]

    @property
    def mapped(self) -> list[Grid]:
        """Points whose maps are drawn: the examples at the last interval, with the first metric."""
        return [{**grid, "interval": grid["interval"][-1:], "metric": grid["metric"][:1]} for grid in self.examples]

    @property
    def varied(self) -> list[str]:
        """Dimensions that take more than one value."""
        return varied(self.grids)

    @property
    def features(self) -> Files:
        """Features of every point."""
        return self._files(self.grids, "features/{source}.zarr.zip")

    @property
    def maps(self) -> Files:
        """Maps of the mapped points, with the methods of each point in sequence."""
        return self._files(self.mapped, "maps/{source}/{methods}.parquet")

    @property
    def neighbours(self) -> Files:
        """Classes of the nearest neighbours of the mapped points."""
        return self._files(self.mapped, "neighbours/{source}/{metric}.csv")

    @property
    def strengths(self) -> dict[str, float | None]:
        """Strength of each transform of the study, by name."""
        return strengths(self.study.transforms or (ORIGINAL,), self.config.transforms)

    @property
    def scales(self) -> dict[str, list[str]]:
        """Transforms of the study by what their strength measures."""
        return scales(self.study.transforms, self.config.transforms)

    def kstar(self, grids: Sequence[Grid]) -> Files:
        """k* of the points in `grids`."""
        return self._files(grids, "kstar/{source}/{metric}.zarr.zip")

    @property
    def stages(self) -> Mapping[str, list[Files]]:
        """Features, k* and maps, as targets."""
        maps = [self.maps] if self.study.maps else []
        return {"features": [self.features], "kstar": [self.kstar(self.grids)], "maps": maps}

    def picture(self, **settings: Any) -> dict[str, Any]:
        """Settings of a figure: title, classes and `settings`."""
        return {"title": self.study.title, "classes": self.study.classes, **settings}

    @property
    def threshold(self) -> float:
        """Skewness beyond which a class is Fractured or Clustered."""
        return self.config.kstar.threshold

    def _files(self, grids: Sequence[Grid], template: str) -> Files:
        template = template.replace("{source}", FROM_FILE if self.study.imported else FROM_MODEL)
        methods = braces(self.study.maps)
        names = [{dimension: braces(values) for dimension, values in grid.items()} for grid in grids]
        return Files([f"{self.results}/{template.format(**name, methods=methods)}" for name in names])


def _model_grids(study: ResolvedKstar) -> list[dict[str, list[Any]]]:
    return [
        _grid(
            model=(name,),
            dataset=part.datasets,
            seed=part.seeds,
            interval=part.intervals,
            split=study.splits,
            transform=study.transforms,
            layer=part.layers,
            metric=study.metrics,
        )
        for name, part in study.models.items()
    ]


def _imported_grids(study: ResolvedKstar) -> list[Grid]:
    """Grids of imported features, with the values of a fully trained model so that tables have the same columns."""
    return [
        _grid(
            model=(name,),
            dataset=(name,),
            seed=(0,),
            interval=(100,),
            split=(IMPORTED,),
            transform=(ORIGINAL,),
            layer=(IMPORTED,),
            metric=study.metrics,
        )
        for name in study.imported
    ]


def _grid(**values: Sequence[object]) -> dict[str, list[Any]]:
    return {dimension: list(values[dimension]) for dimension in DIMENSIONS}
