"""Section `datasets`: where images, or features computed elsewhere, come from."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from workflow_lib.config.fields import LIST, UNIQUE, Count, Fraction, Function, Options, Section, Seed, Text, example
from workflow_lib.errors import Problem, unknown

PerClass = Annotated[int, Field(ge=2)]
ClassNames = Annotated[tuple[Text, ...], Field(min_length=2), *UNIQUE]
ClassGroup = Annotated[tuple[Text, ...], Field(min_length=1), *UNIQUE]
ARRAYS: Final = (".npz", ".zarr", ".zarr.zip")


class Subsample(Section):
    """A stratified draw: so many samples of every class."""

    train: PerClass | None = None
    """Training samples kept of every class; null keeps all. A larger count keeps those drawn before."""
    test: PerClass | None = None
    """Test samples kept of every class; null keeps all."""
    seed: Seed = 0
    """Seed of the draw."""


class GivenSubsample(Section):
    """A stratified draw from imported features, which have one split only."""

    imported: PerClass
    """Samples kept of every class. A larger count keeps those drawn before."""
    seed: Seed = 0
    """Seed of the draw."""


class Source(Section):
    """What all sources of data have in common."""

    suffixes: ClassVar[tuple[str, ...]] = ()
    """How the names of its files end; empty where it reads folders."""
    superclasses: Annotated[dict[Text, ClassGroup], Field(min_length=2)] | None = None
    """New classes as groups of the source's own: {animal: [cat, dog], ...}; labels follow the alphabet.
    Classes not listed are dropped; null keeps the source's classes."""
    classes: ClassNames | None = None
    """Classes to keep (superclasses, if there are any); their order gives the labels. null keeps all."""

    def files(self) -> dict[str, str]:
        """Key and path of every file or folder of the user's own: when its content changes, the dataset is new."""
        return {}

    def functions(self) -> dict[str, str]:
        """Key and `module:name` of every function of the user's own: when its source changes, the dataset is new."""
        return {}

    def required(self) -> dict[str, str]:
        """Key and path of every file or folder that must be there before the workflow starts."""
        return self.files()

    def own_classes(self) -> tuple[str, ...] | None:
        """Classes of the source itself where they are always the same, or None: wrong names are reported at once."""
        return None


class Images(Source):
    """What all sources of images have in common."""

    subsample: Subsample | None = None
    """Keep so many samples of every class; null keeps all."""


class Digits(Images):
    """1,797 handwritten digits of 8x8 pixels in ten classes, embedded in scikit-learn: no download."""

    model_config = example(source="digits", classes=["3", "5", "8"], subsample={"train": 100, "test": 50})

    source: Literal["digits"]
    """Digits embedded in scikit-learn."""
    test_fraction: Fraction = 0.3
    """Share of every class that becomes the test split."""
    split_seed: Seed = 0
    """Seed of the split."""

    def own_classes(self) -> tuple[str, ...]:
        """The ten digits."""
        return tuple("0123456789")


CLASSES: Final = {
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}


class Torchvision(Images):
    """A data set that torchvision reads; it comes with its own train and test splits."""

    model_config = example(source="cifar10", root="data/cifar10", download=True)

    source: Literal["cifar10", "cifar100", "fashion_mnist"]
    """Data set of this name."""
    root: Text
    """Folder with the official files (or where `download` puts them), relative to the working directory."""
    download: bool = False
    """Fetch the files into `root` when they are not there."""

    def required(self) -> dict[str, str]:
        """The folder `root`, unless it may be downloaded; what the official files hold is known."""
        return {} if self.download else {"root": self.root}

    def own_classes(self) -> tuple[str, ...] | None:
        """The classes of the smaller sets."""
        return CLASSES.get(self.source)


class ImageFolder(Images):
    """A tree of image files with a folder for each class."""

    model_config = example(source="imagefolder", root="data/birds", image_size=[64, 64], test_fraction=0.2)

    source: Literal["imagefolder"]
    """A tree of image files."""
    root: Text
    """The tree: root/train/CLASS and root/test/CLASS, or root/CLASS with a `test_fraction`."""
    image_size: Annotated[tuple[Count, ...], Field(min_length=2, max_length=2), LIST]
    """Height and width in pixels: the shorter side is resized, then the centre is cut out."""
    test_fraction: Fraction | None = None
    """Share of every class that becomes the test split; null: the tree has train and test folders."""
    split_seed: Seed = 0
    """Seed of the split."""

    def files(self) -> dict[str, str]:
        """The folder `root`."""
        return {"root": self.root}


class Arrays(Images):
    """Images in two array files (.npz or Zarr)."""

    suffixes: ClassVar[tuple[str, ...]] = ARRAYS
    model_config = example(source="arrays", train="data/train.npz", test="data/test.npz", layout="NCHW")

    source: Literal["arrays"]
    """Images in array files."""
    train: Text
    """File with the training images and labels."""
    test: Text
    """File with the test images and labels."""
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    """Order of the axes: sample, height, width, channel (NHWC, also without channel) or channel second."""
    images: Text = "images"
    """Name of the array of images inside the files: uint8, or float in [0, 1]."""
    labels: Text = "labels"
    """Name of the array of labels inside the files."""

    def files(self) -> dict[str, str]:
        """Both files."""
        return {"train": self.train, "test": self.test}


class Features(Source):
    """Features computed elsewhere (.npz, Zarr or Parquet), with labels: analysis only, no model."""

    suffixes: ClassVar[tuple[str, ...]] = (*ARRAYS, ".parquet")
    model_config = example(source="features", path="data/embeddings.parquet", features="dim_", labels="topic")

    source: Literal["features"]
    """Features and labels in a file."""
    subsample: GivenSubsample | None = None
    """Keep so many samples of every class; null keeps all."""
    path: Text
    """The file, relative to the working directory."""
    features: Text = "features"
    """Name of the array (sample, feature); in Parquet a list column, or the prefix of numeric columns."""
    labels: Text = "labels"
    """Name of the array or column of labels: integers or text."""
    predictions: Text | None = None
    """Name of the array or column of predicted classes; with it the tables show accuracies."""
    ids: Text | None = None
    """Name of the array or column of unique sample names; null numbers them."""
    class_names: Text | None = None
    """Name of the array of class names, in the order of integer labels; null takes the labels themselves."""

    def files(self) -> dict[str, str]:
        """The file `path`."""
        return {"path": self.path}


class FromFunction(Images):
    """A data set that a function of your own returns."""

    model_config = example(source="function", function="my_data:load", options={"year": 2024})

    source: Literal["function"]
    """A function of your own."""
    function: Function
    """The function as module:name, imported from the working directory."""
    options: Options = Field(default={})
    """Keyword arguments of the function."""

    def functions(self) -> dict[str, str]:
        """The function."""
        return {"function": self.function}


Dataset = Annotated[
    Digits | Torchvision | ImageFolder | Arrays | Features | FromFunction, Field(discriminator="source")
]


def class_names(dataset: Source) -> tuple[str, ...] | None:
    """Names of the classes of a dataset, or None when only its files tell them."""
    if dataset.classes:
        return dataset.classes
    return tuple(sorted(dataset.superclasses)) if dataset.superclasses else dataset.own_classes()


def problems(name: str, dataset: Source) -> Iterator[Problem]:
    """What makes no sense in one dataset, although every value is well formed."""
    where, own = f"datasets.{name}", dataset.own_classes()
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


def _absent(where: str, chosen: tuple[str, ...], what: str, present: tuple[str, ...]) -> Iterator[Problem]:
    """Names of classes that there are not."""
    for name in chosen:
        if name not in present:
            yield unknown(where, name, what, present)
