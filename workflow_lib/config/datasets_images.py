"""Sources of images that are no data of others: rendered, of libraries, in files."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Final, Literal

from pydantic import AfterValidator, Field

from workflow_lib.config.fields import PAIR, Count, Fraction, Seed, Text, example, wrong
from workflow_lib.config.sources import ARRAYS, Images, PerClass, Size
from workflow_lib.errors import Problem, yaml_text

CHARACTERS: Final = r"^[A-Za-z0-9]{2,}$"


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

    def size(self) -> Size:
        """As many of each character as are asked for."""
        return Size(self.train, self.test, (1, self.side, self.side))


CLASSES: Final = {
    "cifar10": ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    "cifar100": tuple(CIFAR100.split()),
    "fashion_mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}

SIZES: Final = {
    "cifar10": Size(5000, 1000, (3, 32, 32)),
    "cifar100": Size(500, 100, (3, 32, 32)),
    "fashion_mnist": Size(6000, 1000, (1, 28, 28)),
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

    def size(self) -> Size:
        """That of the official splits."""
        return SIZES[self.source]


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

    def problems(self, where: str) -> Iterator[Problem]:
        """A size that is not given by image_size, or by resize and crop together, and a seed without a split."""
        given = [key for key in ("image_size", "resize", "crop") if getattr(self, key) is not None]
        if given not in (["image_size"], ["resize", "crop"]):
            found = f"has {' and '.join(given) or 'neither'}"
            repair = "write for example image_size: [224, 224], or resize: 256 and crop: 224"
            yield Problem(where, "", f"needs either image_size, or resize and crop; {found}", repair)
        elif self.resize and self.crop and self.crop > self.resize:
            allowed = f"must not be larger than resize, {self.resize}, to which the shorter side is scaled"
            yield Problem(f"{where}.crop", str(self.crop), allowed, f"write {self.resize}, or a larger resize")
        if self.split_seed and self.test_fraction in (None, 1):
            allowed = f"nothing is split with test_fraction: {yaml_text(self.test_fraction)}"
            yield Problem(f"{where}.split_seed", str(self.split_seed), allowed, "remove it, or change test_fraction")


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
