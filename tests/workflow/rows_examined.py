"""Rows: models on other data than their own, unions, and weights that another model trains (examined_project.py)."""

import os
from functools import partial

from edits import LONG_AGO, put, replace
from own_project import write_images
from project import Project
from row import Row

_examined = partial(Row, base="examined", stages="kstar")
FURTHER = "train_interval/further/* extract_features/further/* compute_kstar/further/*"
ON_NOISE = "extract_features/net/noise/* compute_kstar/net/noise/*"


def _test_images_changed(project: Project) -> None:
    file = project.folder / "data" / "noise_test.npz"
    write_images(file, 12, seed=2)
    os.utime(file, (LONG_AGO, LONG_AGO))


def _under(transform: str) -> str:
    """The jobs that see images changed by a transform."""
    return f"extract_features/net/*-{transform} compute_kstar/net/*/{transform}/*"


EXAMINED = [
    _examined(
        "the training of a model: what is examined on other data, and a model that starts from its weights, follow",
        put("models.net.training.lr", 0.02),
        starts=f"check_network/net train_interval/net/* extract_features/net/* compute_kstar/net/* {FURTHER}",
    ),
    _examined(
        "a dataset added to `examine`: features are extracted there only",
        put("models.net.examine", ["noise", "both"]),
        starts="check_examined/net/both extract_features/net/both/* compute_kstar/net/both/*",
    ),
    _examined(
        "the test images of an examined dataset, which is also part of a union: nothing is trained",
        _test_images_changed,
        starts=f"prepare_dataset/noise check_examined/* {ON_NOISE} unite_datasets/both check_network/further {FURTHER}",
        computes=f"prepare_dataset/noise check_examined/* {ON_NOISE} unite_datasets/both {FURTHER} !train_interval/*",
        because="the training split of the union comes out equal",
    ),
    _examined(
        "the parts of a union in another order",
        put("datasets.both.of", ["noise", "shapes"]),
        starts=f"unite_datasets/both check_network/further {FURTHER}",
    ),
    _examined(
        "the epsilon of an attack: what sees the attacked images follows, and nothing is trained",
        put("transforms.attacked.epsilon", 0.2),
        starts=_under("attacked"),
    ),
    _examined(
        "the source of a function that changes images",
        replace("changes.py", "images / 2", "images / 4"),
        starts=_under("darker"),
    ),
    Row(
        "the strength of a transform, which is a column of the tables",
        put("transforms.darker.strength", 2),
        base="examined",
        starts="tabulate_kstar/changed render_tables/changed draw_*/changed !draw_neighbours/changed",
    ),
]
