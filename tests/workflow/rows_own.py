"""Rows: data and models, the user's own ones among them (own_project.py)."""

import os
import shutil
from functools import partial

import numpy as np
from edits import LONG_AGO, Edit, append, library, put, rename, replace, several, take_out, touch, write
from own_project import DATA, write_embeddings, write_images
from project import Project
from row import Row

NET = "models.net"
CHECK = "check_network/net"
TRAINED = f"{CHECK} */net/*"
LOADED = "check_network/loaded import_weights/loaded */loaded/*"
MINE = "check_network/mine */mine/*"
WORDS = "*/words*"
CONFUSED = "train_replicates/mixed/* */mixed"


_own = partial(Row, base="own", stages="kstar")
"""A row on the study of the user's own data, up to k*."""


def _swapped(section: str, one: str, other: str) -> Edit:
    """The values of two settings, swapped."""

    def change(config):
        for name in section.split("."):
            config = config[name]
        config[one], config[other] = config[other], config[one]

    return lambda project: project.edit_config(change)


def _embeddings_changed(project: Project) -> None:
    file = project.folder / "data" / "words.npz"
    write_embeddings(file, seed=1)
    os.utime(file, (LONG_AGO, LONG_AGO))


def _images_changed(project: Project) -> None:
    file = project.folder / "data" / "train.npz"
    write_images(file, 20, seed=1)
    os.utime(file, (LONG_AGO, LONG_AGO))


def _embeddings_packed(project: Project) -> None:
    file = project.folder / "data" / "words.npz"
    with np.load(file) as arrays:
        np.savez_compressed(file, **arrays)


def _embeddings_moved(project: Project) -> None:
    data = project.folder / "data"
    (data / "words.npz").rename(data / "texts.npz")
    put("datasets.words.path", "data/texts.npz")(project)


def _weights_changed(project: Project) -> None:
    shutil.copy(
        project.folder / "results/checkpoints/net/seed-0/interval-100.pt", project.folder / "data" / "weights.pt"
    )


SETTINGS = [
    _own("the learning rate", put(f"{NET}.training.lr", 0.02), stages="", starts=f"{TRAINED} */networks {CONFUSED}"),
    _own(
        "learning rate and weight decay swapped",
        _swapped(f"{NET}.training", "lr", "weight_decay"),
        stages="checkpoints",
        starts=f"{CHECK} train_interval/net/*",
    ),
    _own("the batch size", put(f"{NET}.training.batch_size", 8), stages="features", starts=TRAINED),
    _own(
        "the number of epochs",
        put(f"{NET}.training.epochs", 4),
        stages="checkpoints",
        starts=f"{CHECK} train_interval/net/*",
    ),
    _own(
        "the optimiser",
        put(f"{NET}.training.optimizer", "sgd"),
        stages="checkpoints",
        starts=f"{CHECK} train_interval/net/*",
    ),
    _own(
        "the precision of a training",
        put(f"{NET}.training.precision", "bfloat16"),
        stages="checkpoints",
        starts=f"{CHECK} train_interval/net/*",
    ),
    _own("the normalisation of the images", put(f"{NET}.normalize", {"mean": [0.5], "std": [0.25]}), starts=TRAINED),
    _own("an option of the network", put("models.mine.options", {"hidden": 8}), stages="features", starts=MINE),
    _own(
        "a layer added",
        put(f"{NET}.layers.middle", "conv2"),
        starts="extract_features/net/* compute_kstar/net/*",
        computes="extract_features/net/* compute_kstar/net/*/middle/*",
        because="one job extracts all layers; those that are known come from the cache, and what reads them follows",
    ),
    _own(
        "a layer taken out",
        take_out(f"{NET}.layers.early"),
        stages="",
        starts="*/networks",
    ),
    _own(
        "two layers swapped",
        _swapped(f"{NET}.layers", "early", "logits"),
        starts="extract_features/net/* compute_kstar/net/*",
        computes="extract_features/net/*",
        because="k\\* of the same features is known, whatever the name of the layer",
    ),
    _own(
        "a model renamed: initial weights follow from its name",
        several(rename("models.mine", "renamed"), put("kstar.studies.networks.model", ["net", "renamed", "loaded"])),
        starts="check_network/renamed */renamed/*",
    ),
    _own(
        "a dataset renamed",
        several(
            rename("datasets.shapes", "figures"),
            put(f"{NET}.dataset", "figures"),
            put("models.loaded.dataset", "figures"),
        ),
        starts=f"prepare_dataset/figures {TRAINED} {LOADED}",
        computes="",
        because="Snakemake knows files by their paths, the cache by their content",
    ),
    _own(
        "fewer test samples: nothing is trained again",
        put("datasets.shapes.subsample", {"test": 8}),
        stages="features",
        starts=f"prepare_dataset/shapes {TRAINED} {LOADED}",
        computes=f"prepare_dataset/shapes extract_features/net/* {LOADED}",
        because="the training split comes out equal",
    ),
    _own("a class taken out", put("datasets.words.classes", ["sport", "music"]), starts=WORDS),
    _own("a class added", put("datasets.words.classes", ["sport", "music", "news", "art"]), starts=WORDS),
    _own(
        "which outputs of a loaded network belong to which class: only its features are extracted again",
        several(
            write("data/map.json", '["1", "0", "2", "3"]'),
            put("models.loaded.predictions", {"map": "data/map.json", "rule": "argmax"}),
        ),
        starts="*/loaded/*",
    ),
    _own(
        "loaded weights trained further",
        put("models.loaded.training", {"epochs": 1}),
        starts="check_network/loaded train_interval/loaded/* extract_features/loaded/* compute_kstar/loaded/*",
    ),
]

FILES = [
    _own("a data file touched, or a file that no config names", several(touch("data/*"), append("notes.txt", "More."))),
    _own("the content of an embeddings file, with an older time stamp", _embeddings_changed, stages="", starts=WORDS),
    _own(
        "the training images of a file, with an older time stamp",
        _images_changed,
        stages="features",
        starts=f"prepare_dataset/shapes {TRAINED} {LOADED}",
        computes=f"prepare_dataset/shapes {TRAINED}",
        because="the test split, which the loaded network looks at, comes out equal",
    ),
    _own(
        "a data file saved anew with the same arrays",
        _embeddings_packed,
        stages="",
        starts=WORDS,
        computes="import_features/words",
        equal=True,
        because="the features come out equal",
    ),
    _own(
        "a data file moved",
        _embeddings_moved,
        stages="",
        starts=WORDS,
        computes="import_features/words",
        equal=True,
        because="the features come out equal",
    ),
    _own(
        "a file of weights replaced by the weights of another model",
        _weights_changed,
        starts=LOADED,
        computes="check_network/loaded import_weights/loaded extract_features/loaded/*",
        because="they are those of another network here, of which k\\* is known",
    ),
    _own(
        "comment or layout of your own function",
        several(
            replace("my_network.py", "    # Flat images, one hidden layer.", "    # Two layers."),
            replace("my_data.py", "count=20", "count = 20"),
            append("my_layers/parts.py", "# The end.\n"),
        ),
    ),
    _own(
        "code of your own network, without a change of its results",
        replace("my_network.py", "hidden=16", "hidden=4 * 4"),
        starts=MINE,
        computes="check_network/mine train_interval/mine/* extract_features/mine/*",
        because="the features come out equal",
    ),
    _own("code of your own network, with a change", replace("my_network.py", "nn.ReLU()", "nn.Tanh()"), starts=MINE),
    _own(
        "code of a module that your own network imports through a package, without a change of its results",
        replace("my_layers/parts.py", "start=1", "start=2 - 1"),
        starts=MINE,
        computes="check_network/mine train_interval/mine/* extract_features/mine/*",
        because="the features come out equal",
    ),
    _own(
        "a package beside the file of your own data function: Python takes the package",
        write("my_data/__init__.py", DATA.replace("default_rng(1)", "default_rng(2)")),
        stages="features",
        starts="prepare_dataset/drawn check_network/mine train_interval/mine/* extract_features/mine/*",
    ),
    _own(
        "another version of a library that only your own data function imports: `pyyaml`",
        library("pyyaml", "99.9"),
        stages="features",
        starts="prepare_dataset/drawn check_network/mine train_interval/mine/* extract_features/mine/*",
        computes="prepare_dataset/drawn",
        equal=True,
        because="the dataset comes out equal",
    ),
    _own(
        "code of your own data function",
        replace("my_data.py", "default_rng(1)", "default_rng(2)"),
        stages="features",
        starts="prepare_dataset/drawn check_network/mine train_interval/mine/* extract_features/mine/*",
    ),
]
