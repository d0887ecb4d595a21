"""Section `confusion`: training with the labels of two classes swapped, and the effect on the other classes."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from workflow_lib.config.datasets import ClassGroup
from workflow_lib.config.fields import ALL, UNIQUE, Choice, ClassName, Count, Name, Section, Text, example, wrong
from workflow_lib.config.models import Seeds
from workflow_lib.errors import Problem, unknown

Pair = Annotated[tuple[ClassName, ...], Field(min_length=2, max_length=2), *UNIQUE]


def _pairs(value: Any) -> Any:
    """`all`, or a list of pairs; a single pair becomes a list of one."""
    if value == ALL:
        return value
    if not isinstance(value, (list, tuple)) or not value:
        raise wrong("must be all or a list of pairs of classes", "write all, or for example [[cat, dog], [car, truck]]")
    return [list(value)] if all(isinstance(name, str) for name in value) else value


Pairs = Annotated[Choice[Pair], BeforeValidator(_pairs)]


class ConfusionStudy(Section):
    """For each pair of classes, trainings in which a share of each is labelled as the other, and a baseline."""

    model_config = example(
        title="What a small network generalises",
        model="net",
        seeds={"start": 0, "count": 50},
        pairs=[["3", "8"], ["1", "7"]],
        groups={"round": ["0", "6", "8", "9"], "straight": ["1", "4", "7"]},
    )

    title: Text | None = None
    """Heading of the tables and figures; null makes one from the study's name."""
    description: str = ""
    """What the study asks."""
    model: Name
    """Model whose dataset, network and training settings are used; its seeds and intervals (and what these are of) are
    ignored."""
    seeds: Seeds = Field(default=tuple(range(50)), json_schema_extra={"default": {"start": 0, "count": 50}})
    """Trainings of each pair and of the baseline: a list of seeds, or {start, count}. Adding
    seeds trains only the new ones."""
    pairs: Pairs = Field(default=(), json_schema_extra={"default": ALL})
    """Pairs of classes to confuse, each [A, B]; all uses every pair of the dataset."""
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the training images of A that are labelled B, and of B labelled A; 0 changes none (a null run)."""
    groups: dict[ClassName, ClassGroup] = Field(default={})
    """Groups of classes, such as animals and vehicles. Information within and between groups is compared."""
    permutations: Count = 9999
    """Number of random permutations of the classes in the test of the groups."""
    example_pair: Pair | None = None
    """Pair whose mean confusion matrix is shown next to the baseline's; null takes the pair with the largest effect on
    the other classes."""


class Confusion(Section):
    """Studies of what a network generalises between classes, measured by swapping the labels of two of them."""

    studies: dict[Name, ConfusionStudy] = Field(default={})
    """The studies by name."""


def problems(where: str, study: ConfusionStudy, dataset: str, classes: tuple[str, ...] | None) -> Iterator[Problem]:
    """Contradictions in one study whose values are all well formed.

    Args:
        where: key path of the study.
        study: the study; its model exists.
        dataset: name of the model's dataset.
        classes: classes of the dataset, or None if they are known only from its files.
    """
    if classes is None and not study.pairs:
        allowed = f"the classes of {dataset} are known only from its files, so their pairs cannot be planned"
        repair = f"list the classes in datasets.{dataset}.classes, or the pairs here"
        yield Problem(f"{where}.pairs", ALL, allowed, repair)
    if classes is not None:
        if len(classes) < 3:
            allowed = "needs three classes or more: the effect of confusing two is measured on the others"
            yield Problem(where, f"{dataset} has {len(classes)}", allowed, "take a dataset with more classes")
        named = [(f"{where}.pairs", name) for pair in study.pairs for name in pair]
        named += [(f"{where}.groups.{group}", name) for group, members in study.groups.items() for name in members]
        for key, name in dict.fromkeys(named):
            if name not in classes:
                yield unknown(key, name, f"class of {dataset}", classes)
    yield from _repeated(where, study)
    if study.example_pair and study.pairs and set(study.example_pair) not in [set(pair) for pair in study.pairs]:
        pairs = [f"[{', '.join(pair)}]" for pair in study.pairs]
        yield unknown(f"{where}.example_pair", list(study.example_pair), "pair of this study", pairs)
    elif study.example_pair and classes is not None:
        for name in study.example_pair:
            if name not in classes:
                yield unknown(f"{where}.example_pair", name, f"class of {dataset}", classes)


def _repeated(where: str, study: ConfusionStudy) -> Iterator[Problem]:
    """Pairs that differ only in their order, classes in two groups, and a single group."""
    seen: list[set[str]] = []
    for pair in study.pairs:
        if set(pair) in seen:
            allowed = "is there already; the order of its classes does not count"
            yield Problem(f"{where}.pairs", f"[{', '.join(pair)}]", allowed, "remove it")
        seen.append(set(pair))
    group_of: dict[str, str] = {}
    for group, members in study.groups.items():
        for name in members:
            if name in group_of:
                allowed = f"a class belongs to one group only; this one is in {group_of[name]} and {group}"
                yield Problem(f"{where}.groups.{group}", name, allowed, "remove it from one of them")
            group_of[name] = group
    if len(study.groups) == 1:
        yield Problem(
            f"{where}.groups", next(iter(study.groups)), "needs two groups to compare", "add another, or remove groups"
        )
