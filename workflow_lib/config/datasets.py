"""Section `datasets`: all sources of data, and those that are made of others or by a function."""

from collections.abc import Collection, Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from workflow_lib.config.datasets_audio import Audio
from workflow_lib.config.datasets_features import Features
from workflow_lib.config.datasets_images import Arrays, Digits, Glyphs, ImageFolder, Torchvision
from workflow_lib.config.datasets_table import SklearnTable, Table
from workflow_lib.config.datasets_text import Encoded, TextTable
from workflow_lib.config.fields import UNIQUE, Function, Name, Options, Text, Unique, example
from workflow_lib.config.paths import EITHER
from workflow_lib.config.sources import Images, Samples, Source, Subsample
from workflow_lib.errors import Problem, unknown


class FromFunction(Images):
    """A data set returned by a function of your own."""

    suffixes: ClassVar[tuple[str, ...]] = EITHER
    model_config = example(source="function", function="my_data:load", options={"year": 2024}, reads=["data/raw.npz"])

    source: Literal["function"]
    """A function of your own."""
    function: Function
    """The function as module:name, imported from the working directory."""
    options: Options = Field(default={})
    """Keyword arguments of the function."""
    reads: Unique[Text] = ()
    """Files and folders that the function reads; if their content changes, the dataset is built again."""

    def files(self) -> dict[str, str]:
        """What the function reads."""
        return {f"reads.{i}": path for i, path in enumerate(self.reads)}

    def functions(self) -> dict[str, str]:
        """The function."""
        return {"function": self.function}


class UnionOf(Images):
    """All samples of several datasets of images with the same classes and the same shape of images."""

    model_config = example(source="union", of=["natural", "stylised"])

    source: Literal["union"]
    """Several datasets of this config."""
    of: Annotated[tuple[Name, ...], Field(min_length=2), *UNIQUE]
    """The datasets. Their train splits make the train split, their test splits the test split. The name of a sample
    begins with that of its dataset, as in natural/train-00017."""

    def parts(self) -> tuple[str, ...]:
        """The datasets."""
        return self.of


class Transformed(Images):
    """All samples of another dataset of images, each changed once by a transform."""

    model_config = example(source="transformed", of="natural", transform="stylised")

    source: Literal["transformed"]
    """Another dataset of this config, changed."""
    of: Name
    """The dataset. The samples keep their names."""
    transform: Name
    """The transform, one that does not need the network (not pgd)."""

    def parts(self) -> tuple[str, ...]:
        """The dataset."""
        return (self.of,)


Dataset = Annotated[
    Digits
    | Glyphs
    | Torchvision
    | ImageFolder
    | Arrays
    | Audio
    | Table
    | SklearnTable
    | TextTable
    | Encoded
    | Features
    | FromFunction
    | UnionOf
    | Transformed,
    Field(discriminator="source"),
]


def class_names(name: str, datasets: Mapping[str, Source], inside: Collection[str] = ()) -> tuple[str, ...] | None:
    """Names of the classes of a dataset, or None if they are known only from its files.

    Args:
        name: of the dataset.
        datasets: all datasets of the config.
        inside: unions that contain the dataset; a union that contains itself is a mistake that is reported elsewhere.
    """
    dataset = datasets[name]
    if dataset.classes:
        return dataset.classes
    return tuple(sorted(dataset.superclasses)) if dataset.superclasses else _own_classes(name, datasets, inside)


def _own_classes(name: str, datasets: Mapping[str, Source], inside: Collection[str] = ()) -> tuple[str, ...] | None:
    """The classes before a selection; those of a dataset made of others are the classes of its first part."""
    dataset = datasets[name]
    if not dataset.parts():
        return dataset.own_classes()
    first = dataset.parts()[0]
    return class_names(first, datasets, {*inside, name}) if first in datasets and first not in inside else None


def has_training_split(name: str, datasets: Mapping[str, Source], inside: tuple[str, ...] = ()) -> bool:
    """Whether a dataset, and each that it is made of, has samples to train on; yes if it has mistakes."""
    dataset = datasets.get(name)
    if dataset is None or name in inside:
        return True
    parts = (has_training_split(part, datasets, (*inside, name)) for part in dataset.parts())
    return dataset.has_training_split() and all(parts)


def problems(name: str, datasets: Mapping[str, Source]) -> Iterator[Problem]:
    """Contradictions in one dataset whose values are all well formed."""
    dataset = datasets[name]
    where, own = f"datasets.{name}", _own_classes(name, datasets)
    yield from dataset.problems(where)
    if isinstance(dataset, Samples) and dataset.subsample:
        yield from _subsample_problems(f"{where}.subsample", dataset.subsample, has_training_split(name, datasets))
    groups = dataset.superclasses or {}
    if groups:
        yield from _absent(f"{where}.classes", dataset.classes or (), "superclass", tuple(groups))
    elif own:
        yield from _absent(f"{where}.classes", dataset.classes or (), "class of this source", own)
    group_of: dict[str, str] = {}
    for group, members in groups.items():
        if own:
            yield from _absent(f"{where}.superclasses.{group}", members, "class of this source", own)
        for member in members:
            if member in group_of:
                allowed = f"a class belongs to one superclass only; this one is in {group_of[member]} and {group}"
                yield Problem(f"{where}.superclasses.{group}", member, allowed, "remove it from one of them")
            group_of[member] = group


def _subsample_problems(where: str, subsample: Subsample, has_train: bool) -> Iterator[Problem]:
    """A draw of training samples where there are none, or a seed without a draw."""
    if subsample.train and not has_train:
        allowed = "the dataset has no training split (test_fraction: 1)"
        yield Problem(f"{where}.train", str(subsample.train), allowed, "remove it, or lower test_fraction")
    if subsample.seed and subsample.train is None and subsample.test is None:
        allowed = "nothing is drawn without train or test"
        yield Problem(f"{where}.seed", str(subsample.seed), allowed, "remove it, or give a number of samples")


def _absent(where: str, chosen: tuple[str, ...], what: str, present: tuple[str, ...]) -> Iterator[Problem]:
    """Names of classes that do not exist."""
    for name in chosen:
        if name not in present:
            yield unknown(where, name, what, present)
