"""Section `confusion`: training with two classes mistrained, and the effect on the other classes."""

import hashlib
import itertools
import math
from collections.abc import Hashable, Iterator, Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from workflow_lib.config.fields import ALL, UNIQUE, Choice, ClassName, Count, Name, Section, Seed, Text, example, wrong
from workflow_lib.config.models import Seeds
from workflow_lib.config.sources import ClassGroup
from workflow_lib.errors import Problem, listed, unknown, write_nearest
from workflow_lib.names import Mistraining

SHOWN = 10
"""Largest number of pairs listed in a message."""

Pair = Annotated[tuple[ClassName, ...], Field(min_length=2, max_length=2), *UNIQUE]


def _pairs(value: Any) -> Any:
    """`all`, or a list of pairs; a single pair becomes a list of one."""
    if value == ALL:
        return value
    if not isinstance(value, (list, tuple)) or not value:
        allowed = "must be all, a list of pairs of classes, or {sample, seed}"
        raise wrong(allowed, "write all, or for example [[cat, dog], [car, truck]] or {sample: 100}")
    return [list(value)] if all(isinstance(name, str) for name in value) else value


class PairSample(Section):
    """A random sample of all pairs of the dataset. A larger sample with the same seed contains the smaller one."""

    sample: Count
    """Number of pairs."""
    seed: Seed = 0
    """Seed of the choice."""


def _kind_of_pairs(value: Any) -> str:
    """Tag of the type that a value of `pairs` must have."""
    return PairSample.__name__ if isinstance(value, (dict, PairSample)) else "list"


Pairs = Annotated[
    Annotated[Choice[Pair], BeforeValidator(_pairs), Tag("list")] | Annotated[PairSample, Tag(PairSample.__name__)],
    Discriminator(_kind_of_pairs),
]


class ConfusionStudy(Section):
    """For each pair of classes, trainings with a share of their images mislabelled or left out, and a baseline."""

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
    """Pairs of classes to confuse, each [A, B]; all uses every pair of the dataset, and {sample, seed} a random sample
    of them. The order of A and B counts only in the mode one_way."""
    mode: Mistraining = "swap"
    """What is changed in a share of the training images. swap: those of A are labelled B, those of B are labelled A;
    one_way: those of A are labelled B, and all of B stay; drop: those of A and of B are left out; random: those of A
    and of B get any label but their own."""
    share: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Share of the training images of A and of B (one_way: only of A) that is changed so; 0 changes none (null run)."""
    groups: dict[ClassName, ClassGroup] = Field(default={})
    """Groups of classes, such as animals and vehicles. Information within and between groups is compared."""
    permutations: Count = 9999
    """Number of random permutations of the classes in the test of the groups."""
    example_pair: Pair | None = None
    """Pair whose mean confusion matrix is shown next to the baseline's; null takes the pair with the largest effect on
    the other classes."""

    def as_key(self, pair: Sequence[str]) -> Hashable:
        """Equal for two pairs that are mistrained alike: the order of the classes counts only in the mode one_way."""
        return tuple(pair) if self.mode == "one_way" else frozenset(pair)


class Confusion(Section):
    """Studies of what a network generalises between classes, measured by corrupting two of them in the training."""

    studies: dict[Name, ConfusionStudy] = Field(default={})
    """The studies by name."""


def pairs_of(study: ConfusionStudy, classes: tuple[str, ...] | None) -> tuple[tuple[str, str], ...]:
    """The pairs of a study, in the order of the dataset's classes; as written if these are known only from its files.

    In the mode one_way, [A, B] and [B, A] are two pairs. In a sample, pairs are ranked by a digest of their names and
    the seed, so the rank of a pair does not depend on the size of the sample.
    """
    if classes is None:
        return tuple((first, second) for first, second in study.pairs) if isinstance(study.pairs, tuple) else ()
    every = (itertools.permutations if study.mode == "one_way" else itertools.combinations)(classes, 2)
    if not study.pairs:
        return tuple(every)
    if isinstance(study.pairs, tuple):
        chosen = {study.as_key(pair) for pair in study.pairs}
        return tuple(pair for pair in every if study.as_key(pair) in chosen)
    known, seed = list(every), study.pairs.seed
    ranked = sorted(known, key=lambda pair: hashlib.sha256(f"{seed}/{'/'.join(pair)}".encode()).digest())
    drawn = set(ranked[: study.pairs.sample])
    return tuple(pair for pair in known if pair in drawn)


def problems(where: str, study: ConfusionStudy, dataset: str, classes: tuple[str, ...] | None) -> Iterator[Problem]:
    """Contradictions in one study whose values are all well formed.

    Args:
        where: key path of the study.
        study: the study; its model exists.
        dataset: name of the model's dataset.
        classes: classes of the dataset, or None if they are known only from its files.
    """
    written = study.pairs if isinstance(study.pairs, tuple) else ()
    if classes is None and not written:
        allowed = f"the classes of {dataset} are known only from its files, so their pairs cannot be planned"
        repair = f"list the classes in datasets.{dataset}.classes, or the pairs here"
        yield Problem(f"{where}.pairs", "a sample" if study.pairs else ALL, allowed, repair)
    if classes is not None:
        if len(classes) < 3:
            allowed = "needs three classes or more: the effect of confusing two is measured on the others"
            yield Problem(where, f"{dataset} has {len(classes)}", allowed, "take a dataset with more classes")
        yield from _oversized(where, study, dataset, len(classes))
        named = [(f"{where}.pairs", name) for pair in written for name in pair]
        named += [(f"{where}.groups.{group}", name) for group, members in study.groups.items() for name in members]
        named += [(f"{where}.example_pair", name) for name in study.example_pair or ()]
        for key, name in dict.fromkeys(named):
            if name not in classes:
                yield unknown(key, name, f"class of {dataset}", classes)
    yield from _repeated(where, study)
    if study.example_pair and (classes is None or set(study.example_pair) <= set(classes)):
        yield from _example_problems(
            f"{where}.example_pair", study, written or pairs_of(study, classes), study.example_pair
        )


def _oversized(where: str, study: ConfusionStudy, dataset: str, classes: int) -> Iterator[Problem]:
    """A sample of more pairs than there are."""
    most = math.perm(classes, 2) if study.mode == "one_way" else math.comb(classes, 2)
    if isinstance(study.pairs, PairSample) and study.pairs.sample > most:
        allowed = f"must be 1 to {most}: {dataset} has {classes} classes, so {most} pairs in the mode {study.mode}"
        yield Problem(f"{where}.pairs.sample", str(study.pairs.sample), allowed, f"write {most} or less, or pairs: all")


def _example_problems(
    where: str, study: ConfusionStudy, pairs: Sequence[Sequence[str]], wanted: Sequence[str]
) -> Iterator[Problem]:
    """An example that is no pair of the study."""
    if pairs and study.as_key(wanted) not in map(study.as_key, pairs):
        known, text = [f"[{', '.join(pair)}]" for pair in pairs], f"[{', '.join(wanted)}]"
        allowed = f"is not a pair of this study; there are: {listed(known, SHOWN)}"
        yield Problem(where, text, allowed, write_nearest(text, known))


def _repeated(where: str, study: ConfusionStudy) -> Iterator[Problem]:
    """Pairs that are mistrained alike, classes in two groups, and a single group."""
    seen = set[Hashable]()
    for pair in study.pairs if isinstance(study.pairs, tuple) else ():
        if study.as_key(pair) in seen:
            allowed = "is there already; the order of its classes counts only in the mode one_way"
            yield Problem(f"{where}.pairs", f"[{', '.join(pair)}]", allowed, "remove it")
        seen.add(study.as_key(pair))
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
