"""The check of a network before it is used: all that is wrong with it, at the keys of the config."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from test_model_steps import NETWORK, context, torch_settings, write_split  # noqa: F401
from torch import nn

from workflow_lib.errors import UserError
from workflow_lib.steps.check_network import check_network
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.trial import batch_sizes, problems

TRAINING = {"epochs": 4, "batch_size": 16, "lr": 0.01}
PLAIN = {
    "model": "net",
    **NETWORK,
    "weights": None,
    "weights_content": None,
    "training": TRAINING,
    "heads": [],
    "predictions": None,
}
OWN_CODE = """
import numpy as np
import torch
from torch import nn
from torch.nn import functional

class Net(nn.Module):
    def __init__(self, n_classes, kind):
        super().__init__()
        self.kind = kind
        self.first, self.norm, self.last = nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Linear(16, n_classes)
        self.mask = torch.from_numpy(np.random.default_rng().normal(size=16).astype("float32"))
        self.extra = nn.Linear(16, n_classes)
        if kind == "from zero":
            nn.init.zeros_(self.last.weight)

    def forward(self, images):
        values = self.first(images.flatten(1))
        if self.kind == "norm":
            values = self.norm(values)
        if self.kind == "untracked":
            values = values - values.mean(0)
        if self.kind == "dropout":
            values = functional.dropout(values, 0.1)
        if self.kind == "mask":
            values = values * self.mask
        if self.kind == "constant":
            values = values * 0
        if self.kind == "infinite":
            values = values / 0
        if self.kind == "squeezed":
            return self.last(values).squeeze()
        if self.kind == "even" and self.training and len(images) % 2:
            raise ValueError("pairs of images are mixed")
        if self.kind == "tuple" and self.training:
            return self.last(values), values
        if self.kind == "two heads":
            return self.last(values) + self.extra(values)
        return self.last(values)

def make(in_channels, image_size, n_classes, kind="sound"):
    return Net(n_classes, kind)
"""


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Checks a network; returns its table."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "checked_networks", raising=False)
    Path("checked_networks.py").write_text(OWN_CODE)
    split, table = write_split(tmp_path / "train.zarr.zip"), tmp_path / "net.csv"

    def run(kind=None, layers=(("first", "first"),), **changes):
        own = {"architecture": "checked_networks:make", "options": {"kind": kind}} if kind else {}
        wanted = {name: {"module": module, "pool": "none"} for name, module in layers}
        spec = {**PLAIN, **own, "layers": wanted, **changes}
        check_network(spec=spec, dataset=split, origin=None, network=table, context=context(tmp_path))
        return pd.read_csv(table, keep_default_na=False)

    return run


def test_a_sound_network_gives_a_table_of_its_modules(check):
    table = check(layers=[("early", "conv1"), ("out", "logits")])
    rows = table.set_index("module")
    assert rows.loc["conv1.conv"].tolist() == ["Conv2d", "8x8x8", 8 * 9 + 8, ""]
    assert rows.loc["conv1"].tolist() == ["Sequential", "8x4x4", 8 * 9 + 8, ""]
    assert rows.loc["logits", "output"] == "3"
    assert rows.loc["logits", "parameters"] == rows.loc[["conv1", "conv2", "conv3", "dense1"], "parameters"].sum() + 51


@pytest.mark.parametrize("kind", ["sound", "norm", "from zero"])
def test_a_sound_network_of_ones_own_passes(check, kind):
    check(kind, layers=[("first", "first"), ("out", "logits")], heads=["a"])


@pytest.mark.parametrize(
    ("kind", "where", "text"),
    [
        ("dropout", "models.net.architecture", "is random in eval mode"),
        ("untracked", "models.net.architecture", "change with the images that share its batch"),
        ("mask", "models.net.architecture", "when it is built again"),
        ("squeezed", "models.net.architecture", "returns (3,) for 1 images, not a row per image"),
        ("constant", "models.net.architecture", "the same values of the logits for different images"),
        ("tuple", "models.net.architecture: tuple", "must return one tensor of logits during training"),
        ("even", "models.net.architecture", "training fails on a batch of 15: ValueError: pairs of images are mixed"),
    ],
)
def test_what_is_wrong_with_a_network(check, kind, where, text):
    with pytest.raises(UserError) as caught:
        check(kind, training=TRAINING | {"batch_size": 17})
    assert len(caught.value.problems) == 1
    assert str(caught.value.problems[0]).startswith(where)
    assert text in str(caught.value)


def test_the_file_of_predictions_must_fit_the_network_and_the_dataset(check):
    Path("map.json").write_text('{"top": [0], "bottom": [3]}')
    with pytest.raises(UserError, match="2 problems") as caught:
        check(layers=[("early", "conv1")], predictions={"map": "map.json", "rule": "argmax"})
    assert {problem.where for problem in caught.value.problems} == {"models.net.predictions.map"}
    assert "numbered from 0 to 2" in str(caught.value)
    assert "map.json: middle" in str(caught.value)


def test_outputs_that_are_not_finite_are_told_in_eval_mode_and_in_training(check):
    with pytest.raises(UserError) as caught:
        check("infinite")
    text = str(caught.value)
    assert "NaN or infinite values of the logits for images" in text
    assert "the loss is not finite before the first step" in text
    assert "learning rate" not in text


def test_all_wrong_layers_are_told_at_once_with_what_else_is_wrong(check):
    with pytest.raises(UserError) as caught:
        check("dropout", layers=[("a", "frist"), ("b", "norm"), ("c", "first")], training=TRAINING | {"batch_size": 1})
    assert [problem.where for problem in caught.value.problems] == [
        "models.net.layers.a",
        "models.net.layers.b",
        "models.net.architecture",
    ]
    assert "write first" in str(caught.value)
    assert "is not reached" in str(caught.value)


@pytest.fixture
def loaded(check):
    """Checks a network with weights that are only loaded, those of a sound one."""
    check("sound")
    checked_networks = sys.modules["checked_networks"]

    def run(kind, **changes):
        torch.save(checked_networks.Net(5, "sound").state_dict(), "net.pt")  # for another number of classes
        return check(kind, weights="net.pt", training=None, **changes)

    return run


def test_a_sound_network_with_loaded_weights_passes(loaded):
    table = loaded("sound", layers=[("first", "first")], heads=["a"]).set_index("module")
    assert table.loc["last", "output"] == "5"


def test_all_that_is_wrong_with_a_loaded_network_is_told_at_once(loaded):
    with pytest.raises(UserError) as caught:
        loaded("dropout", layers=[("a", "frist"), ("b", "lsat")])
    assert [(problem.where, problem.value) for problem in caught.value.problems] == [
        ("models.net.layers.a", "frist"),
        ("models.net.layers.b", "lsat"),
        ("models.net.architecture", ""),
    ]
    assert "is random in eval mode" in str(caught.value)


def test_a_loaded_network_that_gives_the_same_for_every_image(loaded):
    with pytest.raises(UserError, match="the same values of the logits for different images"):
        loaded("constant")


def test_a_batch_of_one_with_batch_norm(check):
    with pytest.raises(UserError, match=r"net\.training\.batch_size: 1\n.*batches of one image.*\n.*write 2 or more"):
        check("norm", training=TRAINING | {"batch_size": 1})
    check("sound", training=TRAINING | {"batch_size": 1})


def test_a_single_image_that_is_left_over():
    """61 images in batches of 2 leave one, in batches of 3 none."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.BatchNorm1d(4))
    images, labels = np.random.default_rng(0).random((4, 1, 8, 8), dtype=np.float32), np.arange(4)
    settings = Settings.from_mapping(TRAINING | {"batch_size": 2})
    (problem,) = problems(network, images, labels, settings, 61)
    assert (problem.where, problem.value, problem.repair) == ("training.batch_size", "2", "write 3 or more")
    assert problems(network, images, labels, settings, 60) == []


def test_a_study_of_prototypes_that_needs_a_layer(check):
    with pytest.raises(UserError, match=r"prototypes\.studies\.a\.layer: head_input"):
        check("two heads", heads=["a"])
    check("two heads")


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"architecture": "torchvision/resnet_18", "options": {}}, "models.net.architecture"),
        ({"weights": "torchvision"}, "models.net.weights"),
        ({"architecture": "checked_networks:make", "options": {"knid": "norm"}}, "models.net.architecture"),
        ({"weights": "missing.pt"}, "models.net.weights"),
    ],
)
def test_a_network_that_cannot_be_built(check, changes, where):
    with pytest.raises(UserError) as caught:
        check(**changes)
    assert [problem.where for problem in caught.value.problems] == [where]


@pytest.mark.parametrize(
    ("count", "batch_size", "sizes"), [(60, 16, [15]), (50, 1, [1]), (7, 2, [2, 1]), (7, 3, [3, 2]), (5, 9, [5])]
)
def test_sizes_of_batches(count, batch_size, sizes):
    parts = np.array_split(np.arange(count), -(-count // batch_size))
    assert batch_sizes(count, batch_size) == sorted({len(part) for part in parts}, reverse=True) == sizes


def test_torchs_random_state_is_left_alone(check):
    before = torch.get_rng_state()
    check("norm")
    assert torch.equal(before, torch.get_rng_state())
