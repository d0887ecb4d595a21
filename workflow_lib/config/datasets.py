"""Section `datasets`: sources of images, rows of numbers and texts, or of features computed elsewhere."""

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from workflow_lib.config import datasets_audio, datasets_table, datasets_text
from workflow_lib.config.datasets_audio import Audio
from workflow_lib.config.datasets_table import SklearnTable, Table
from workflow_lib.config.datasets_text import Encoded, TextTable
from workflow_lib.config.fields import (
    PAIR,
    UNIQUE,
    Count,
    Fraction,
    Function,
    Name,
    Options,
    Section,
    Seed,
    Text,
    Unique,
    example,
    wrong,
)
from workflow_lib.config.paths import EITHER
from workflow_lib.config.sources import Images, Kind, PerClass, Samples, Source, Subsample
from workflow_lib.errors import Problem, listed, unknown, yaml_text

CHARACTERS: Final = r"^[A-Za-z0-9]{2,}$"
TENSORS: Final = (".npy", ".pt", ".pth", ".safetensors", ".h5ad")
ARRAYS: Final = (".npz", ".zarr", ".zarr.zip")


class ImportedSubsample(Section):
    """A stratified draw from imported features, which have only one split."""

    imported: PerClass
    """Samples per class. A larger number keeps the samples of a smaller one."""
    seed: Seed = 0
    """Seed of the draw."""


class Digits(Images):
    """1,797 handwritten digits of 8x8 pixels in ten classes. They are part of scikit-learn: no download."""

    model_config = example(source="digits", classes=["3", "5", "8"], subsample={"train": 100, "test": 50})

    source: Literal["digits"]
    """Digits of scikit-learn."""
    test_fraction: Fraction = 0.3
    """Share of each class that becomes the test split."""
    split_seed: Seed = 0
    """Seed of the split."""

    def own_classes(self) -> tuple[str, ...]:
        """The ten digits."""
        return tuple("0123456789")


CIFAR100: Final = (
    "apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel "
    "can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur "
    "dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion "
    "lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree "
    "pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea "
    "seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table "
    "tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman "
    "worm"
)


def _characters(text: str) -> str:
    """Two or more different ASCII letters and digits."""
    if not re.fullmatch(CHARACTERS, text):
        raise wrong("must be two or more letters and digits of ASCII", "write for example ABCDEFGHIJ")
    if len({*text}) < len(text):
        repair = f"write {''.join(dict.fromkeys(text))}"
        raise wrong("must not have a character twice", repair)
    return text


Characters = Annotated[str, AfterValidator(_characters), Field(json_schema_extra={"pattern": CHARACTERS})]


class Glyphs(Images):
    """Printed letters and digits in noise, rendered from fonts that are part of matplotlib: no download."""

    model_config = example(source="glyphs", characters="ABCDEFGHIJ", train=600, test=100)

    source: Literal["glyphs"]
    """Printed letters and digits."""
    characters: Characters
    """The classes: two or more ASCII letters and digits, such as ABC."""
    side: Annotated[int, Field(ge=8, le=256)] = 28
    """Height and width in pixels."""
    train: PerClass = 600
    """Training images of each character. A larger number keeps the images of a smaller one."""
    test: PerClass = 100
    """Test images of each character."""
    noise: Annotated[float, Field(ge=0, le=1)] = 0.8
    """Largest share of noise. An image is (1 - a) * character + a * noise; `a` is drawn evenly between 0 and this."""
    seed: Seed = 0
    """Seed of the images."""

    def own_classes(self) -> tuple[str, ...]:
        """The characters."""
        return tuple(self.characters)


CLASSES: Final = {
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "cifar100": tuple(CIFAR100.split()),
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}


class Torchvision(Images):
    """A data set that torchvision reads, with its official train and test splits."""

    model_config = example(source="cifar10", root="data/cifar10", download=True)

    source: Literal["cifar10", "cifar100", "fashion_mnist"]
    """Name of the data set."""
    root: Text
    """Folder of the official files (`download` puts them there), relative to the working directory."""
    download: bool = False
    """Download the files into `root` if they are missing."""

    def files(self) -> dict[str, str]:
        """Unpacked files of Fashion-MNIST without their archives. All others have official checksums."""
        if self.source != "fashion_mnist":
            return {}
        files = sorted(Path(self.root, "FashionMNIST", "raw").glob("*-ubyte"))
        return {file.name: str(file) for file in files if file.is_file() and not Path(f"{file}.gz").is_file()}

    def required(self) -> dict[str, str]:
        """The folder `root`, unless the files may be downloaded."""
        return {} if self.download else {"root": self.root}

    def own_classes(self) -> tuple[str, ...]:
        """The classes of the data set, in the order of their labels."""
        return CLASSES[self.source]


class ImageFolder(Images):
    """A tree of image files with one folder per class."""

    reads_hidden: ClassVar[bool] = False
    model_config = example(source="imagefolder", root="data/birds", image_size=[64, 64], test_fraction=0.2)

    source: Literal["imagefolder"]
    """A tree of image files."""
    root: Text
    """Top folder: it holds train/CLASS and test/CLASS, or CLASS when `test_fraction` is given."""
    image_size: Annotated[tuple[Count, ...], Field(min_length=2, max_length=2), PAIR] | None = None
    """Height and width in pixels. Each image is scaled until it covers this size, then cropped to its centre. Or give
    resize and crop instead."""
    resize: Count | None = None
    """Pixels to which the shorter side of each image is scaled, as in the evaluation of torchvision's networks."""
    crop: Count | None = None
    """Side in pixels of the square that is then cut out of the centre."""
    interpolation: Literal["bilinear", "bicubic"] | None = None
    """How images are scaled; null is bicubic with image_size, and bilinear with resize, as torchvision's default."""
    test_fraction: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of each class that becomes the test split; 1 if there is nothing to train on; null if there are train and
    test folders."""
    split_seed: Seed = 0
    """Seed of the split."""
    on_damaged: Literal["error", "leave_out"] = "error"
    """What to do if images cannot be used (damaged files, links that lead nowhere, more than 8 bits per channel): stop
    with an error that names all of them, or leave them out and name them in the log."""

    def files(self) -> dict[str, str]:
        """The folder `root`."""
        return {"root": self.root}

    def has_training_split(self) -> bool:
        """Not if every sample is one to test on."""
        return self.test_fraction != 1


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
    """Order of the axes. NHWC: sample, height, width, channel (the channel may be missing); NCHW: channel second."""
    images: Text = "images"
    """Name of the array of images in the files: uint8, or float in [0, 1]."""
    labels: Text = "labels"
    """Name of the array of labels in the files."""

    def files(self) -> dict[str, str]:
        """Both files."""
        return {"train": self.train, "test": self.test}


class Features(Source):
    """Features with labels, computed elsewhere. They are analysed without a model."""

    kind: ClassVar[Kind] = "features"
    suffixes: ClassVar[tuple[str, ...]] = (*ARRAYS, *TENSORS, *datasets_table.TABLES)
    model_config = example(source="features", path="data/embeddings.parquet", features="dim_", labels="topic")

    source: Literal["features"]
    """Features and labels in a file."""
    subsample: ImportedSubsample | None = None
    """Keep this many samples of each class; null keeps all."""
    path: Text
    """The file (.npz, .npy, .zarr, .zarr.zip, .parquet, .pt, .safetensors or .h5ad), relative to the working
    directory."""
    labels_path: Text | None = None
    """File of the labels, predictions and ids, where the features are alone in theirs: a table (.csv, .tsv, .parquet,
    .json, .jsonl) with these columns, or .npy with the labels."""
    features: Text = "features"
    """Name of the array (sample, feature); for Parquet the name of a list column, or the prefix of numeric columns; for
    AnnData a key of obsm, or X. The array of a file with a single one needs no name."""
    labels: Text = "labels"
    """Name of the array or column of labels: integers or text."""
    predictions: Text | None = None
    """Name of the array or column of predicted classes; if given, the tables show accuracies."""
    ids: Text | None = None
    """Name of the array or column of unique sample names; null numbers the samples."""
    class_names: Text | None = None
    """Name of the array of class names, in the order of integer labels; null uses the labels as names."""

    def files(self) -> dict[str, str]:
        """The file `path`, and that of the labels."""
        return {"path": self.path} | ({"labels_path": self.labels_path} if self.labels_path else {})

    def extras(self) -> dict[str, str]:
        """What reads files of other libraries."""
        extra = {".safetensors": "safetensors", ".h5ad": "anndata"}.get(Path(self.path).suffix)
        return {"path": extra} if extra else {}


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
    if isinstance(dataset, ImageFolder):
        yield from _size_problems(where, dataset)
        if dataset.split_seed and dataset.test_fraction in (None, 1):
            allowed = f"nothing is split with test_fraction: {yaml_text(dataset.test_fraction)}"
            yield Problem(f"{where}.split_seed", str(dataset.split_seed), allowed, "remove it, or change test_fraction")
    if isinstance(dataset, Audio):
        yield from datasets_audio.problems(where, dataset)
    if isinstance(dataset, datasets_table.Labelled):
        yield from datasets_table.problems(where, dataset)
    if isinstance(dataset, Encoded):
        yield from datasets_text.problems(where, dataset)
    if isinstance(dataset, Features):
        yield from _features_problems(where, dataset)
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


def _features_problems(where: str, dataset: Features) -> Iterator[Problem]:
    """Files that hold no features, or no labels."""
    formats = (*ARRAYS, *TENSORS, ".parquet")
    if not dataset.path.endswith(formats):
        allowed = f"the name must end in one of {listed(formats)}"
        yield Problem(f"{where}.path", dataset.path, allowed, "save the features in one of these formats")
    if dataset.path.endswith(".npy") and not dataset.labels_path:
        allowed = "a file .npy holds the features alone"
        yield Problem(f"{where}.path", dataset.path, allowed, "name the file of the labels: labels_path")
    if dataset.labels_path and not dataset.labels_path.endswith((".npy", *datasets_table.TABLES)):
        allowed = f"the name must end in one of {listed(('.npy', *datasets_table.TABLES))}"
        yield Problem(f"{where}.labels_path", dataset.labels_path, allowed, "save the labels in one of these formats")


def _size_problems(where: str, dataset: ImageFolder) -> Iterator[Problem]:
    """The size of the images is given by image_size, or by resize and crop together."""
    given = [key for key in ("image_size", "resize", "crop") if getattr(dataset, key) is not None]
    if given not in (["image_size"], ["resize", "crop"]):
        found = f"has {' and '.join(given) or 'neither'}"
        repair = "write for example image_size: [224, 224], or resize: 256 and crop: 224"
        yield Problem(where, "", f"needs either image_size, or resize and crop; {found}", repair)
    elif dataset.resize and dataset.crop and dataset.crop > dataset.resize:
        allowed = f"must not be larger than resize, {dataset.resize}, to which the shorter side is scaled"
        yield Problem(f"{where}.crop", str(dataset.crop), allowed, f"write {dataset.resize}, or a larger resize")


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
