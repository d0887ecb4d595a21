"""Check that a study of relations names studies that exist and fit together."""

from collections.abc import Iterator, Mapping

from workflow_lib.config.config import Config
from workflow_lib.config.datasets import class_names
from workflow_lib.config.relations import CHOICES, RelationStudy, chosen_parts, different_classes
from workflow_lib.config.studies import resolve_kstar, resolve_prototypes
from workflow_lib.errors import Problem, listed, unknown
from workflow_lib.relations.budget import too_many

Choices = Mapping[str, tuple[object, ...]]
"""Values that a part of a study offers, by key; {} for a part that does not exist or has mistakes."""


def problems(
    where: str, study: RelationStudy, config: Config, known: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    """Contradictions in one study whose values are well formed.

    Args:
        where: key path of the study.
        study: the study.
        config: the whole config.
        known: names of all studies by section, also of those with mistakes.
    """
    parts = chosen_parts(study)
    if len(parts) < 2:
        allowed = "needs two or more of kstar, prototypes and confusion, each the name of a study"
        yield Problem(where, f"has {listed(parts)}", allowed, "name another one")
    for section, name in parts.items():
        if name not in known[section]:
            yield unknown(f"{where}.{section}", name, f"study of the section {section}", known[section])
    for key in ("layer", "metric"):
        if study.kstar is None and (value := getattr(study, key)) is not None:
            yield Problem(f"{where}.{key}", value, f"only a k* study has a {key}", f"remove {key}, or name a k* study")
    choices = {section: _choices(section, name, study.model, config) for section, name in parts.items()}
    for section, offered in choices.items():
        yield from _choice_problems(where, study, f"{section}.studies.{parts[section]}", offered)
    sources = {section: str(offered["dataset"][0]) for section, offered in choices.items() if "dataset" in offered}
    classes = {name: class_names(name, config.datasets) for name in sources.values()}
    yield from different_classes(where, sources, classes)
    for names in list(filter(None, classes.values()))[:1]:
        yield from too_many(f"{where}.permutations", study.permutations, len(names))


def _choice_problems(where: str, study: RelationStudy, part: str, offered: Choices) -> Iterator[Problem]:
    """Values that a part does not have, and a part of several models of which none is chosen."""
    if study.model is None and len(models := offered.get("model", ())) > 1:
        allowed = f"{part} has several models, and a study of relations needs one: {listed(models)}"
        yield Problem(f"{where}.model", "", allowed, "name one of them")
    for key in CHOICES:
        value = getattr(study, key)
        if value is not None and key in offered and value not in offered[key]:
            yield unknown(f"{where}.{key}", value, f"{key} of {part}", offered[key])


def _choices(section: str, name: str, model: str | None, config: Config) -> Choices:
    """Values of a part: its models and, of the chosen one, its dataset, intervals, layers and metrics."""
    studies = getattr(config, section).studies
    if name not in studies:
        return {}
    if section == "confusion":
        trained = config.models.get(studies[name].model)
        return {"dataset": (trained.dataset,)} if trained and trained.dataset in config.datasets else {}
    try:
        resolved = resolve_kstar(name, config) if section == "kstar" else resolve_prototypes(name, config)
    except KeyError:  # a model that does not exist is reported with its study
        return {}
    imported = resolve_kstar(name, config).imported if section == "kstar" else ()
    models = (*resolved.models, *imported)
    chosen = models[0] if len(models) == 1 else model
    if chosen in imported and chosen in config.datasets:
        return {"model": models, "dataset": (chosen,)}
    part = resolved.models.get(chosen or "")
    if part is None or part.datasets[0] not in config.datasets:
        return {"model": models}
    found: dict[str, tuple[object, ...]] = {"model": models, "dataset": part.datasets, "interval": part.intervals}
    if section == "kstar":
        found |= {"layer": part.layers, "metric": resolve_kstar(name, config).metrics}
    return found
