"""Studies with every default and every `all` filled in, for the plan."""

from collections.abc import Mapping
from dataclasses import dataclass

from workflow_lib.config.config import Config
from workflow_lib.config.confusion import pairs_of
from workflow_lib.config.datasets import class_names
from workflow_lib.config.datasets_features import Features
from workflow_lib.config.kstar import Study
from workflow_lib.config.models import Model
from workflow_lib.config.prototypes import PrototypeStudy
from workflow_lib.config.relations import RelationStudy
from workflow_lib.config.sources import Source
from workflow_lib.names import METRICS, ORIGINAL, SPLITS


@dataclass(frozen=True)
class ModelPart:
    """The datasets, seeds, intervals and layers of one model that a study uses; `all` is filled in from the model.

    Attributes:
        datasets: in the order of the study; for all, the model's own one and then those it is examined on.
        seeds: in rising order.
        intervals: percent of the epochs, in rising order.
        layers: layer names, in the order of the study, or of the model if the study says all.
    """

    datasets: tuple[str, ...]
    seeds: tuple[int, ...]
    intervals: tuple[int, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True)
class ResolvedKstar:
    """A k* study of models or of imported features; either `models` or `imported` is empty.

    Attributes:
        title: heading of tables and figures.
        description: the question of the study; may be empty.
        models: the part of each model that is used, by the model's name.
        imported: names of datasets of imported features.
        splits, transforms: for models; empty for imported features.
        metrics: distances.
        maps: methods of the two-dimensional maps; may be empty.
        classes: classes shown in the figures, or None for all (or a selection of 20).
    """

    title: str
    description: str
    models: Mapping[str, ModelPart]
    imported: tuple[str, ...]
    splits: tuple[str, ...]
    transforms: tuple[str, ...]
    metrics: tuple[str, ...]
    maps: tuple[str, ...]
    classes: tuple[str, ...] | None


@dataclass(frozen=True)
class ResolvedPrototypes:
    """A study of prototypes.

    Attributes:
        title: heading of tables and figures.
        models: the part of each model that is used, by the model's name; `layers` may include `HEAD_INPUT`.
    """

    title: str
    models: Mapping[str, ModelPart]


@dataclass(frozen=True)
class ResolvedConfusion:
    """A study of confused classes.

    Attributes:
        title: heading of tables and figures.
        pairs: names of the mistrained classes, in the order of the dataset's classes if the config gives it.
    """

    title: str
    pairs: tuple[tuple[str, str], ...]


def imported_names(datasets: Mapping[str, Source]) -> tuple[str, ...]:
    """Names of the datasets of features instead of images."""
    return tuple(name for name, dataset in datasets.items() if isinstance(dataset, Features))


def resolve_kstar(name: str, config: Config) -> ResolvedKstar:
    """A k* study of a valid config, filled in."""
    study = config.kstar.studies[name]
    imported = study.features is not None
    chosen = () if imported else study.model or tuple(config.models)
    return ResolvedKstar(
        title=study.title or _title(name),
        description=study.description,
        models={model: _part(study, config.models[model]) for model in chosen},
        imported=(study.features or imported_names(config.datasets)) if imported else (),
        splits=() if imported else study.split or SPLITS,
        transforms=() if imported else study.transform or (ORIGINAL, *config.transforms),
        metrics=study.metric or METRICS,
        maps=study.maps,
        classes=study.classes,
    )


def resolve_prototypes(name: str, config: Config) -> ResolvedPrototypes:
    """A prototype study of a valid config, filled in."""
    study = config.prototypes.studies[name]
    parts = {model: _part(study, config.models[model]) for model in study.model or tuple(config.models)}
    return ResolvedPrototypes(study.title or _title(name), parts)


def resolve_relations(name: str, config: Config) -> RelationStudy:
    """A study of relations of a valid config, with its title."""
    study = config.relations.studies[name]
    return study.model_copy(update={"title": study.title or _title(name)})


def resolve_confusion(name: str, config: Config) -> ResolvedConfusion:
    """A confusion study of a valid config, filled in."""
    study = config.confusion.studies[name]
    classes = class_names(config.models[study.model].dataset, config.datasets)
    return ResolvedConfusion(study.title or _title(name), pairs_of(study, classes))


def datasets_of(study: Study, model: Model) -> tuple[str, ...]:
    """Datasets on which a study looks at a model."""
    return (model.dataset,) if study.dataset is None else study.dataset or model.datasets


def _title(name: str) -> str:
    """Default heading of a study."""
    return name.replace("_", " ").capitalize()


def _part(study: Study | PrototypeStudy, model: Model) -> ModelPart:
    """The part of this model that the study uses."""
    return ModelPart(
        datasets=datasets_of(study, model) if isinstance(study, Study) else (model.dataset,),
        seeds=tuple(sorted(study.seed)) or model.seeds,
        intervals=tuple(sorted(study.interval)) or model.intervals,
        layers=study.layer or tuple(model.layers),
    )
