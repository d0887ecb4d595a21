"""Check references from one entry of a section to another: parts of unions, and weights that another model trains."""

from collections.abc import Iterator, Mapping, Sequence

from workflow_lib.config.datasets import class_names
from workflow_lib.config.models import Model, TrainedWeights
from workflow_lib.config.sources import Source
from workflow_lib.errors import Problem, listed, unknown, yaml_text

OF_NETWORK = ("architecture", "options", "normalize")
"""Keys in which a model must be like the model that trains its weights."""


def union_problems(datasets: Mapping[str, Source]) -> Iterator[Problem]:
    """Datasets that contain themselves, or unions whose parts are known to have other classes than the first part."""
    unions = {name: dataset.parts() for name, dataset in datasets.items()}
    for chain in _circles(unions):
        allowed = f"contains itself: {' -> '.join(chain)}"
        yield Problem(f"datasets.{chain[0]}.of", chain[1], allowed, "take it out of the list")
    for name, parts in unions.items():
        known = {part: names for part in parts if part in datasets and (names := class_names(part, datasets))}
        first = next(iter(known), "")
        for part, names in known.items():
            if set(names) != set(known[first]):
                allowed = f"has the classes {listed(names)}, but {first} has {listed(known[first])}"
                repair = "give both the same classes, with the keys classes or superclasses"
                yield Problem(f"datasets.{name}.of", part, allowed, repair)


def weights_problems(models: Mapping[str, Model], names: Sequence[str]) -> Iterator[Problem]:
    """Weights of models that do not train them, or that have another network; and circles.

    Args:
        models: the well-formed models.
        names: the names of all models.
    """
    taken = {name: model.weights for name, model in models.items() if isinstance(model.weights, TrainedWeights)}
    for chain in _circles({name: (weights.model,) for name, weights in taken.items()}):
        allowed = f"is trained from its own weights: {' -> '.join(chain)}"
        yield Problem(f"models.{chain[0]}.weights.model", chain[1], allowed, "start one of them from other weights")
    for name, weights in taken.items():
        where = f"models.{name}.weights"
        if weights.model not in names:
            yield unknown(f"{where}.model", weights.model, "model", names)
        elif trained := models.get(weights.model):
            yield from _taken_problems(where, models[name], weights, trained)


def _taken_problems(where: str, model: Model, weights: TrainedWeights, trained: Model) -> Iterator[Problem]:
    """The weights that `model` takes must be made by the training of `trained`, for the same network."""
    if trained.training is None:
        allowed = "this model is not trained here"
        yield Problem(f"{where}.model", weights.model, allowed, f"write the weights of {weights.model} instead")
        return
    for key, present in (("seed", trained.seeds), ("interval", trained.intervals)):
        if (value := getattr(weights, key)) not in present:
            yield unknown(f"{where}.{key}", value, f"{key} of the model {weights.model}", present)
    for key in OF_NETWORK:
        own, other = (yaml_text(part.model_dump(mode="json")[key]) for part in (model, trained))
        if own != other:
            allowed = f"must be that of {weights.model}, which trains the weights: {other}"
            yield Problem(f"{where.removesuffix('weights')}{key}", own, allowed, f"write it as in {weights.model}")


def _circles(references: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Each circle of references once, as [a, b, …, a]."""
    found: dict[frozenset[str], list[str]] = {}

    def follow(chain: list[str]) -> None:
        for name in references.get(chain[-1], ()):
            if name in chain:
                circle = chain[chain.index(name) :]
                found.setdefault(frozenset(circle), [*circle, name])
            else:
                follow([*chain, name])

    for name in references:
        follow([name])
    return list(found.values())
