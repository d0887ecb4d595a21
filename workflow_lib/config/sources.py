"""What all sources of data have in common: choice of classes, subsamples, files and functions from outside."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal, NamedTuple

from pydantic import Field

from workflow_lib.config.fields import UNIQUE, ClassName, Section, Seed
from workflow_lib.errors import Problem

Kind = Literal["image", "table", "text", "features"]
"""What a sample is: an image, a row of numbers, a text, or features without a network."""
ARRAYS: Final = (".npz", ".zarr", ".zarr.zip")
"""Endings of files of arrays."""
PerClass = Annotated[int, Field(ge=2)]
ClassNames = Annotated[tuple[ClassName, ...], Field(min_length=2), *UNIQUE]
ClassGroup = Annotated[tuple[ClassName, ...], Field(min_length=1), *UNIQUE]


class Size(NamedTuple):
    """Size of data with equally large classes: samples of a class in each split, and the shape of one."""

    train: int
    test: int
    shape: tuple[int, int, int]


class Subsample(Section):
    """A stratified draw: a number of samples from each class."""

    train: PerClass | None = None
    """Training samples per class; null keeps all. A larger number keeps the samples of a smaller one."""
    test: PerClass | None = None
    """Test samples per class; null keeps all."""
    seed: Seed = 0
    """Seed of the draw."""


class Source(Section):
    """Keys shared by all sources of data."""

    kind: ClassVar[Kind] = "image"
    """What its samples are."""
    suffixes: ClassVar[tuple[str, ...]] = ()
    """Allowed endings of its file names; empty if it reads folders."""
    reads_hidden: ClassVar[bool] = True
    """Whether it reads hidden files in its folders."""
    superclasses: Annotated[dict[ClassName, ClassGroup], Field(min_length=2)] | None = None
    """New classes, each a group of classes of the source: {animal: [cat, dog], ...}. They are numbered in alphabetical
    order. Classes not listed are dropped; null keeps the source's classes."""
    classes: ClassNames | None = None
    """Classes to keep (superclasses, if given), numbered in this order; null keeps all."""

    def files(self) -> dict[str, str]:
        """Key and path of each file or folder of the user; if its content changes, the dataset is built again."""
        return {}

    def functions(self) -> dict[str, str]:
        """Key and `module:name` of each user function; if its source changes, the dataset is built again."""
        return {}

    def extras(self) -> dict[str, str]:
        """Key of each value that needs an extra of the project, and the extra."""
        return {}

    def required(self) -> dict[str, str]:
        """Key and path of every file or folder that must exist before the workflow starts."""
        return self.files()

    def own_classes(self) -> tuple[str, ...] | None:
        """Classes of a source that always has the same ones, or None. With them wrong names are reported at once."""
        return None

    def size(self) -> Size | None:
        """Size of all that the source has, if it is known before the data are there. For estimates only."""
        return None

    def parts(self) -> tuple[str, ...]:
        """Names of the datasets of the config that it is made of."""
        return ()

    def has_bounds(self) -> bool:
        """Whether the numbers of a sample go from 0 to 1, so that prototypes can be looked for in these bounds."""
        return True

    def has_training_split(self) -> bool:
        """Whether there are samples to train on, where it is not made of other datasets."""
        return True

    def problems(self, where: str) -> Iterator[Problem]:
        """Contradictions of values that are all well formed, other than in the choice of classes and samples.

        Args:
            where: config key of the dataset.
        """
        yield from ()


class Samples(Source):
    """Keys shared by all sources with a train and a test split."""

    subsample: Subsample | None = None
    """Keep this many samples of each class; null keeps all."""


class Images(Samples):
    """Keys shared by all sources of images."""
