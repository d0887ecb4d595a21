"""Studies with every default and every `all` filled in: what the plan works with."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from workflow_lib.config.config import Config
from workflow_lib.config.confusion import ConfusionStudy
from workflow_lib.config.datasets import Features, Source, class_names
from workflow_lib.config.kstar import Study
from workflow_lib.config.models import Model
from workflow_lib.config.prototypes import PrototypeStudy
from workflow_lib.names import METRICS, ORIGINAL, SPLITS


@dataclass(frozen=True)
class ModelPart:
    """What a study takes from one model: `all` means all that this model has.

    Attributes:
        seeds: in rising order.
        intervals: percent of the epochs, in rising order.
        layers: roles, in the order of the study, or of the model when the study says all.
    """

    seeds: tuple[int, ...]
    intervals: tuple[int, ...]
    layers: tuple[str, ...]


@dataclass(frozen=True)
class ResolvedKstar:
    """A study over models, or over imported features; the other of `models` and `imported` is empty.

    Attributes:
        title: heading of tables and figures.
        description: what the study asks; may be empty.
        models: what it takes from each model, by the model's name.
        imported: names of datasets of imported features.
        splits, transforms: for models; empty for imported features.
        metrics: distances.
        maps: methods of the two-dimensional maps; may be empty.
        classes: classes that pictures show, or None for all (or a choice of 20).
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
        models: what it takes from each model, by the model's name; `layers` is empty.
    """

    title: str
    models: Mapping[str, ModelPart]


@dataclass(frozen=True)
class ResolvedConfusion:
    """A study of confused classes.

    Attributes:
        title: heading of tables and figures.
        pairs: names of the classes that are confused, in the order of the dataset's classes where the config knows it.
    """

    title: str
    pairs: tuple[tuple[str, str], ...]


def imported_names(datasets: Mapping[str, Source]) -> tuple[str, ...]:
    """Names of the datasets that bring features instead of images."""
    return tuple(name for name, dataset in datasets.items() if isinstance(dataset, Features))


def resolve_kstar(name: str, config: Config) -> ResolvedKstar:
    """Fill in a k* study of a valid config."""
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
    """Fill in a prototype study of a valid config."""
    study = config.prototypes.studies[name]
    parts = {model: _part(study, config.models[model]) for model in study.model or tuple(config.models)}
    return ResolvedPrototypes(study.title or _title(name), parts)


def resolve_confusion(name: str, config: Config) -> ResolvedConfusion:
    """Fill in a confusion study of a valid config."""
    study = config.confusion.studies[name]
    dataset = config.datasets[config.models[study.model].dataset]
    return ResolvedConfusion(study.title or _title(name), paired(study, class_names(dataset)))


def paired(study: ConfusionStudy, classes: tuple[str, ...] | None) -> tuple[tuple[str, str], ...]:
    """The pairs of a study: first and second class in the order of `classes`, where these are known."""
    if not study.pairs:
        return tuple(itertools.combinations(classes or (), 2))
    if classes is None:
        return tuple((first, second) for first, second in study.pairs)
    place = {name: index for index, name in enumerate(classes)}
    ordered = [sorted(pair, key=lambda name: place[name]) for pair in study.pairs]
    return tuple((first, second) for first, second in sorted(ordered, key=lambda pair: [place[name] for name in pair]))


def _title(name: str) -> str:
    """The heading of a study that has none."""
    return name.replace("_", " ").capitalize()


def _part(study: Study | PrototypeStudy, model: Model) -> ModelPart:
    """What the study takes from this model."""
    layers = (study.layer or tuple(model.layers)) if isinstance(study, Study) else ()
    return ModelPart(
        seeds=tuple(sorted(study.seed)) or model.seeds,
        intervals=tuple(sorted(study.interval)) or model.intervals,
        layers=layers,
    )
