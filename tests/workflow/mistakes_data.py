"""Mistakes in the data, code and weights that a config names."""

from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from edits import Edit, link, pipe, several
from mistake import FEATURES, LABELS, Mistake, npz, setting
from PIL import Image
from sound_project import needs_sound, tone


def png(side: int = 8, mode: str = "L") -> bytes:
    """A black image of one channel."""
    file = BytesIO()
    Image.new(mode, (side, side)).save(file, "PNG")
    return file.getvalue()


def pictures(**others: bytes | None) -> dict[str, bytes | None]:
    """A tree of two classes with six images each, and files that are added or, where None, become folders."""
    tree = {f"pictures/{name}/{number}.png": png() for name in ("cat", "dog") for number in range(6)}
    return tree | {f"pictures/{path}": content for path, content in others.items()}


IMAGES = np.zeros((8, 8, 8), dtype=np.uint8)
CHECKPOINT = "results/checkpoints/digits_cnn/seed-0/interval-100.pt"
EMBEDDINGS = "results/features/imported/embeddings.zarr.zip"


def embeddings(name: str, *said: str, **arrays: Any) -> Mistake:
    """Wrong embeddings: these arrays instead of the good ones, None leaving one out."""
    kept = {"features": FEATURES, "labels": LABELS} | arrays
    content = npz(**{key: value for key, value in kept.items() if value is not None})
    named = {key: key for key in arrays if key not in ("features", "labels")}
    text = setting("datasets/embeddings", {"source": "features", "path": "data/embeddings.npz"} | named)
    files = {"data/embeddings.npz": content}
    return Mistake(name, ("data/embeddings.npz", *said), text, "embeddings", files, (EMBEDDINGS,), "run")


def dataset(name: str, settings: dict[str, Any], files: Mapping[str, bytes | None], *said: str) -> Mistake:
    """A wrong dataset of images, beside the good one."""
    target = "results/datasets/wrong/train.zarr.zip"
    return Mistake(name, said, setting("datasets/wrong", settings), "miniature", files, (target,), "run")


def images(name: str, *said: str, **arrays: Any) -> Mistake:
    """Wrong arrays of images in the file train.npz, beside a good test.npz."""
    good = {"images": IMAGES, "labels": LABELS}
    train = {key: value for key, value in (good | arrays).items() if value is not None}
    settings = {"source": "arrays", "train": "train.npz", "test": "test.npz"}
    return dataset(name, settings, {"train.npz": npz(**train), "test.npz": npz(**good)}, "train.npz", *said)


def tree(name: str, files: Mapping[str, bytes | None], *said: str) -> Mistake:
    """A wrong tree of images."""
    settings = {"source": "imagefolder", "root": "pictures", "image_size": [8, 8], "test_fraction": 0.34}
    return dataset(name, settings, files, *said)


def after(edit: Edit, mistake: Mistake) -> Mistake:
    """The mistake after a further edit."""
    return replace(mistake, edit=several(edit, mistake.edit))


def sounds(name: str, rows: str, *said: str, **settings: Any) -> Mistake:
    """A wrong table of sounds, beside files of which one is good, one is none, and one has no samples."""
    table = f"path,label,speaker\n{rows}".encode()
    files = {"low.wav": tone(200), "text.wav": b"no sound", "none.wav": tone(200, 0), "clips.csv": table}
    wrong = {"source": "audio", "root": "sounds", "table": "sounds/clips.csv", "test_fraction": 0.5} | settings
    wrong = {key: value for key, value in wrong.items() if value is not None}
    return after(
        needs_sound, dataset(name, wrong, {f"sounds/{file}": content for file, content in files.items()}, *said)
    )


def rows(name: str, table: str | bytes, *said: str, **settings: Any) -> Mistake:
    """A wrong table of texts or numbers."""
    content = table.encode() if isinstance(table, str) else table
    return dataset(name, {"path": "rows.csv", "test_fraction": 0.5} | settings, {"rows.csv": content}, *said)


LOADER = """
import sys
import numpy as np
images, labels = np.zeros((8, 8, 8)), [0, 1] * 4
def load(**options):
"""


def loader(name: str, body: str, *said: str) -> Mistake:
    """A wrong function that loads images, by its body."""
    settings = {"source": "function", "function": "my_data:load"}
    return dataset(name, settings, {"my_data.py": f"{LOADER}    {body}\n".encode()}, "my_data:load", *said)


NETWORKS = """
import sys
from torch import nn
def flat(in_channels, image_size, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size[0] * image_size[1], n_classes))
def failing(**shape):
    raise RuntimeError("no such luck")
def leaving(**shape):
    sys.exit(3)
class Dropping(nn.Sequential):
    def forward(self, images):
        return nn.functional.dropout(super().forward(images))
def dropping(**shape):
    return Dropping(flat(**shape))
def normed(**shape):
    return nn.Sequential(flat(**shape), nn.BatchNorm1d(shape["n_classes"]))
def texts(**shape):
    return "a network"
def narrow(in_channels, image_size, n_classes):
    return flat(in_channels, image_size, n_classes - 1)
"""


def network(name: str, *said: str, files: Mapping[str, bytes | None] | None = None, **settings: Any) -> Mistake:
    """A wrong model, beside the good one."""
    model = {
        "architecture": "my_networks:flat",
        "dataset": "digits",
        "training": {"epochs": 1},
        "layers": {"logits": "logits"},
    }
    wrong = {key: value for key, value in (model | settings).items() if value is not None}
    target = "results/features/wrong/digits/seed-0/interval-100/test/original/logits.zarr.zip"
    code = {"my_networks.py": NETWORKS.encode()}
    return Mistake(name, said, setting("models/wrong", wrong), "miniature", code | dict(files or {}), (target,), "run")


def code(name: str, function: str, source: str | bytes | None, *said: str) -> Mistake:
    """A function of the user's own that is known to be wrong from its source."""
    files = {} if source is None else {"mine.py": source if isinstance(source, bytes) else source.encode()}
    text = setting("datasets/wrong", {"source": "function", "function": function})
    return Mistake(name, (f"datasets.wrong.function: {function}", *said), text, files=files)


CODE = [
    code("a function's module is not there", "mine:load", None, "there is no module mine", "mine.py"),
    code("a function is not there", "mine:laod", "def load():\n    pass\n", "defines no laod", "write mine:load"),
    code("a function's module is empty", "mine:load", "", "it has: none"),
    code("a function has a syntax error", "mine:load", "x = 1\ndef load(:\n", "mine.py:2 is not valid Python"),
    code("a function has a wrong indentation", "mine:load", "def load():\nreturn 1\n", "mine.py:2"),
    code("a function's module is not UTF-8", "mine:load", b"# caf\xe9\ndef load(): pass\n", "mine.py"),
    code("a function's module has zeros", "mine:load", b"def load(): pass\n\0", "mine.py"),
    Mistake(
        "a syntax error in a module that a function's module imports",
        ("datasets.wrong.function: mine:load", "parts/half.py:2 is not valid Python", "correct this line"),
        setting("datasets/wrong", {"source": "function", "function": "mine:load"}),
        files={"mine.py": b"import parts.half\ndef load(): pass\n", "parts/half.py": b"x = 1\ndef half(:\n"},
    ),
    Mistake(
        "a function in no module",
        ('datasets.wrong.function: "load"', "must name a function as module:name"),
        setting("datasets/wrong", {"source": "function", "function": "load"}),
    ),
]

DATA = [
    embeddings(
        "features with NaN", "row-00002 has nan as feature 1", features=np.where(FEATURES == 7, np.nan, FEATURES)
    ),
    embeddings("features with infinity", "has -inf as feature 0", features=np.where(FEATURES == 3, -np.inf, FEATURES)),
    embeddings("no samples", "no class", features=FEATURES[:0], labels=LABELS[:0]),
    embeddings("fewer labels than features", "8 features, 7 labels", "same length", labels=LABELS[:7]),
    embeddings("objects as labels", "holds Python objects", labels=np.array([0, "a"] * 4, dtype=object)),
    embeddings("floats as labels", "labels of type float64", labels=LABELS / 2),
    embeddings("negative labels", "label -1 of row 0", "not negative", labels=LABELS - 1),
    embeddings(
        "a class of one sample", "class 2", "one sample, and two are needed", labels=np.array([0, 0, 0, 0, 1, 1, 1, 2])
    ),
    embeddings("a single class", "only class 0", labels=LABELS * 0),
    embeddings("a name for no label", "class c", "no sample", class_names=np.array(["a", "b", "c"])),
    embeddings("labels with gaps", "label 5 of row 4", "0 to 1", labels=LABELS * 5, class_names=np.array(["a", "b"])),
    embeddings("no labels", "one array, and no labels", "labels_path", labels=None),
    embeddings("one axis too many", "shape (8, 3, 1)", "a row per sample", features=FEATURES[:, :, None]),
    embeddings("complex features", "type complex64", "real numbers", features=FEATURES.astype(np.complex64)),
    embeddings("class names as one text", "one-dimensional text", class_names=np.array("a b")),
    embeddings(
        "classes that look the same",
        r"'caf\xe9' and 'cafe\u0301'",
        "differ only in their Unicode form",
        labels=np.array(["caf\u00e9", "cafe\u0301"] * 4),
    ),
    embeddings("predictions of other classes", "no prediction is one of the classes", predictions=LABELS + 7),
    embeddings("ids that repeat", "several samples have the same id", ids=np.array(["a"] * 8)),
    Mistake(
        "embeddings that are no archive",
        ("data/embeddings.npz", "cannot be read"),
        base="embeddings",
        files={"data/embeddings.npz": b"features, labels\n1, 2\n"},
        arguments=(EMBEDDINGS,),
        when="run",
    ),
    images("an array that is not there", "labels", "the file has images", labels=None),
    images("images of 16 bits", "pixels of type uint16", images=IMAGES.astype(np.uint16)),
    images("floats up to 255", "has the value 255", "divide by the full scale", images=IMAGES + 255.0),
    images(
        "images of differing sizes", "holds Python objects", images=np.array([np.zeros(3), np.zeros(4)] * 4, object)
    ),
    images("channels first", "read as NHWC", "layout: NCHW", images=np.zeros((8, 3, 32, 32), np.uint8)),
    images("fewer images than labels", "7 images, 8 labels", images=IMAGES[:7]),
    images("an empty class", "class c", "no sample", class_names=np.array(["a", "b", "c"])),
    tree("a text among the images", pictures(**{"cat/notes.png": b"not an image"}), "cat/notes.png", "cannot be read"),
    tree(
        "an image of 16 bits", pictures(**{"cat/9.png": png(mode="I;16")}), "cat/9.png: 16 bits", "8 bits per channel"
    ),
    tree(
        "an image that is not read", pictures(**{"cat/9.heic": b""}), "cat/9.heic", "not read", "on_damaged: leave_out"
    ),
    tree(
        "several damaged images",
        pictures(**{"cat/8.png": b"", "dog/8.png": b""}),
        "pictures/cat/8.png, pictures/dog/8.png: 2 files",
        "cannot be read",
        "on_damaged: leave_out",
    ),
    tree(
        "splits in place of classes",
        {f"pictures/{part}/cat/1.png": png() for part in ("Train", "val")},
        "pictures: Train, val",
        "look like splits",
        "leave test_fraction out",
    ),
    after(
        link("pictures/cat/9.png", "store"),
        tree("an image whose link leads nowhere", pictures(), "cat/9.png: store", "leads nowhere", "fetch"),
    ),
    after(pipe("pictures/cat/9.png"), tree("a pipe among the images", pictures(), "cat/9.png", "no regular file")),
    tree("an image cut short", pictures(**{"dog/9.png": png(64)[:60]}), "dog/9.png", "cannot be read"),
    tree("a class without images", pictures(**{"cow": None}), "pictures", "class cow", "no sample"),
    tree("a class of one image", pictures(**{"cow/1.png": png()}), "class cow", "two are needed"),
    tree("a tree of one class", {f"pictures/cat/{number}.png": png() for number in range(6)}, "only class cat"),
    tree("a tree without classes", {"pictures/1.png": png()}, "pictures", "no class folders"),
    sounds(
        "sounds that are none, have no samples, are not there or have no label, all at once",
        "low.wav,low,al\ntext.wav,low,al\nnone.wav,low,al\nlost.wav,low,al\nlow.wav,,al\n",
        "sounds/clips.csv: 1 row: low.wav",
        "the column label is empty there",
        "sounds/clips.csv: low.wav",
        "listed more than once",
        "sounds/text.wav: LibsndfileError: Format not recognised.",
        "cannot be read",
        "sounds/none.wav",
        "no samples",
        "sounds/lost.wav",
        "no such file",
    ),
    sounds(
        "a test speaker of whom there is no clip",
        "low.wav,low,theo\n",
        'test_speakers: "thoe"',
        "is not a speaker; there are: theo",
        "write theo",
        test_fraction=None,
        test_speakers=["thoe"],
    ),
    sounds(
        "a speaker with two names that look the same",
        "low.wav,low,theo\nother.wav,low,theo \n",
        "sounds/clips.csv: speaker: 'theo ' and 'theo'",
        "differ only in their Unicode form or in blanks around them",
        test_fraction=None,
        test_speakers=["theo"],
    ),
    rows(
        "texts that are empty, without a label, or share an id, all at once",
        "id,text,label\n1,hello,a\n1, ,a\n2,bye,\n3,bye,b\n",
        "rows.csv: 1 row: 1",
        "the column text is empty there",
        "rows.csv: 1 row: 2",
        "the column label is empty there",
        "rows.csv: 1",
        "several rows have the same id",
        source="text",
        ids="id",
    ),
    rows(
        "texts without the column that is named", "utterance,label\nhello,a\n", "rows.csv: texts: text", source="text"
    ),
    rows("texts that are not UTF-8", b"text,label\nd\xe9j\xe0 vu,a\n", "rows.csv", "not in UTF-8", source="text"),
    rows(
        "numbers that are none, in two columns",
        "size,age,label\n1,?,a\n2,,a\nbig,3,b\n4,5,b\n",
        "1 cell (row-00002: big)",
        "the column size has cells that are no finite numbers",
        "2 cells (row-00000: ?, row-00001: empty)",
        "the column age has cells that are no finite numbers",
        source="table",
    ),
    rows(
        "a table of another separator",
        "size;age;label\n1,5;2;a\n",
        "rows.csv: size;age;label",
        "the columns are divided by ';', and those of a .csv by ','",
        source="table",
    ),
    rows(
        "a table with the index of pandas",
        ",size,label\n0,1,a\n1,2,b\n",
        'rows.csv: ""',
        "would be taken for a feature",
        source="table",
    ),
    loader(
        "a function that raises", "raise ValueError('no data today')", "ValueError: no data today", "my_data.py, line 6"
    ),
    dataset(
        "a function that loads code by a name put together",
        {"source": "function", "function": "my_data:load"},
        {"my_data.py": b"def load():\n    return __import__('plug' + 'in').load()\n", "plugin.py": b"load = dict\n"},
        "my_data:load",
        "my_data loads plugin.py in a way that cannot be followed",
        "write `import plugin` at the top of the file of my_data",
    ),
    loader("a function that ends the program", "sys.exit(0)", "SystemExit: 0", "my_data.py, line 6"),
    loader("a function that returns nothing", "return None", "TypeError", 'returns {"train"'),
    loader("a function that prints and forgets", "print('well'); return {'train': 1}", "TypeError", 'returns {"train"'),
    loader("a function with uneven images", "return {'train': ([[1], [1, 2]], [0, 1], None)}", "inhomogeneous"),
    dataset(
        "a function that is none",
        {"source": "function", "function": "my_data:images"},
        {"my_data.py": LOADER.encode() + b"    pass\n"},
        "my_data:images",
        "has no function 'images'; it has: load",
    ),
    dataset(
        "a module that ends the program",
        {"source": "function", "function": "my_data:load"},
        {"my_data.py": b"import sys\ndef load(): pass\nprint('hello')\nsys.exit('bye')\n"},
        "my_data:load",
        "SystemExit: bye",
        "my_data.py, line 4",
    ),
    dataset(
        "CIFAR-10 that is not there",
        {"source": "cifar10", "root": "configs"},
        {},
        "cifar10: root: configs",
        "no file",
        "download: true",
    ),
]

NETWORKS_AND_WEIGHTS = [
    network("a network that raises", "my_networks:failing", "no such luck", architecture="my_networks:failing"),
    network("a network that ends the program", "SystemExit: 3", architecture="my_networks:leaving"),
    network("a network that is a text", "torch.nn.Module, not str", architecture="my_networks:texts"),
    network("a network with too few outputs", "not (2, 3)", "number of outputs", architecture="my_networks:narrow"),
    network("an option that there is not", "unexpected keyword argument 'depth'", options={"depth": 3}),
    network("a layer that there is not", "layers.logits: 2", "the layers are: 0, 1, logits", layers={"logits": "2"}),
    Mistake(
        "a layer that there is not, beside a new seed of a model that has been trained: found before the training",
        ('models.digits_cnn.layers.inner: "conv2.rleu"', "write conv2.relu"),
        several(setting("models/digits_cnn/seeds", [0, 1, 2]), setting("models/digits_cnn/layers/inner", "conv2.rleu")),
        arguments=("features",),
    ),
    network(
        "no such network in torchvision",
        "torchvision has:",
        "write torchvision/resnet18",
        architecture="torchvision/resnet81",
    ),
    network(
        "normalisation of three channels",
        "normalize.mean",
        "one number per channel",
        normalize={"mean": [0.5] * 3, "std": [0.5] * 3},
    ),
    network(
        "batches of one with batch normalisation",
        "models.wrong.training.batch_size: 1",
        "write 2 or more",
        architecture="my_networks:normed",
        training={"epochs": 1, "batch_size": 1},
    ),
    network(
        "a network whose predictions are random",
        "models.wrong.architecture",
        "is random in eval mode",
        architecture="my_networks:dropping",
    ),
    Mistake(
        "a checkpoint of this config as weights",
        (f"models.again.weights: {CHECKPOINT}", "is a result of this workflow", "model: digits_cnn, seed: 0"),
        setting(
            "models/again",
            {"architecture": "small_cnn", "dataset": "digits", "weights": CHECKPOINT, "layers": {"out": "logits"}},
        ),
    ),
    Mistake(
        "features of this config as a dataset",
        (f"datasets.again.path: {EMBEDDINGS}", "is a result of this workflow", "copy it"),
        setting("datasets/again", {"source": "features", "path": EMBEDDINGS}),
        "embeddings",
    ),
    network("weights that are none", "weights: my.pt", training=None, weights="my.pt", files={"my.pt": b"weights"}),
]
