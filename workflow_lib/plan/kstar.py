"""One study as the jobs see it: its points, where their results lie, what its pictures show."""

from collections.abc import Sequence
from dataclasses import dataclass

from workflow_lib.config.studies import ResolvedStudy
from workflow_lib.points import DIMENSIONS, Grid, varied
from workflow_lib.runner.braces import braces, expand

FROM_MODEL = "{model}/seed-{seed}/interval-{interval}/{split}/{transform}/{layer}"
IMPORTED = "imported/{model}"
KSTAR = "results/kstar/{source}/{metric}.zarr.zip"


@dataclass(frozen=True)
class Files:
    """Paths that a job reads, in the order of the study's points.

    Attributes:
        patterns: the paths in short form, fit for a command line however many there are.
    """

    patterns: list[str]

    @property
    def paths(self) -> list[str]:
        """The paths written out."""
        return [path for pattern in self.patterns for path in expand(pattern)]


@dataclass(frozen=True)
class StudyPlan:
    """The points of a study, and the files that belong to them.

    Attributes:
        study: what the config asks for.
        grids: all points; one grid for each model.
        examples: the points of which single samples are shown: the first seed of each model.
        mapped: the points of which maps are drawn: of these the last interval, with the first metric.
    """

    study: ResolvedStudy
    grids: Sequence[Grid]
    examples: Sequence[Grid]
    mapped: Sequence[Grid]

    @property
    def varied(self) -> list[str]:
        """Dimensions that take more than one value."""
        return varied(self.grids)

    @property
    def features(self) -> Files:
        """Features of every point."""
        return self._files(self.grids, "results/features/{source}.zarr.zip")

    @property
    def kstar(self) -> Files:
        """k* of every point."""
        return self._files(self.grids, KSTAR)

    @property
    def example_kstar(self) -> Files:
        """k* of the points of which single samples are shown."""
        return self._files(self.examples, KSTAR)

    @property
    def mapped_kstar(self) -> Files:
        """k* of the points of which maps are drawn."""
        return self._files(self.mapped, KSTAR)

    @property
    def maps(self) -> Files:
        """Maps of these points, all methods of a point after each other."""
        return self._files(self.mapped, "results/maps/{source}/{methods}.parquet")

    @property
    def neighbours(self) -> Files:
        """Classes of nearest neighbours of these points."""
        return self._files(self.mapped, "results/neighbours/{source}/{metric}.csv")

    def _files(self, grids: Sequence[Grid], template: str) -> Files:
        template = template.replace("{source}", IMPORTED if self.study.imported else FROM_MODEL)
        methods = braces(self.study.maps)
        names = [{dimension: braces(values) for dimension, values in grid.items()} for grid in grids]
        return Files([template.format(**name, methods=methods) for name in names])


def plan_study(study: ResolvedStudy) -> StudyPlan:
    """Lay out a study of the config."""
    grids = _imported_grids(study) if study.imported else _model_grids(study)
    examples = [{**grid, "seed": grid["seed"][:1]} for grid in grids]
    mapped = [{**grid, "interval": grid["interval"][-1:], "metric": grid["metric"][:1]} for grid in examples]
    return StudyPlan(study, grids, examples, mapped)


def _model_grids(study: ResolvedStudy) -> list[Grid]:
    return [
        _grid(
            model=(name,),
            seed=part.seeds,
            interval=part.intervals,
            split=study.splits,
            transform=study.transforms,
            layer=part.layers,
            metric=study.metrics,
        )
        for name, part in study.models.items()
    ]


def _imported_grids(study: ResolvedStudy) -> list[Grid]:
    """Imported features take the place of a model's at its end, so that the tables of both have the same columns."""
    return [
        _grid(
            model=(name,),
            seed=(0,),
            interval=(100,),
            split=("imported",),
            transform=("original",),
            layer=("imported",),
            metric=study.metrics,
        )
        for name in study.imported
    ]


def _grid(**values: Sequence[object]) -> Grid:
    return {dimension: list(values[dimension]) for dimension in DIMENSIONS}
