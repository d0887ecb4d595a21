"""Which networks a stack can hold, and which form of training is chosen."""

import pytest
from replicates_cases import small_cnn
from torch import nn

from workflow_lib.errors import UserError
from workflow_lib.models.registry import build
from workflow_lib.training.replicates.chain import chain
from workflow_lib.training.replicates.form import VARIABLE, choose, multiplications


def block(*layers):
    return nn.Sequential(nn.Conv2d(3, 4, 3), *layers, nn.Flatten(), nn.Linear(4 * 36, 3))


def hooked():
    network = block()
    network[0].register_forward_hook(lambda *_: None)
    return network


def frozen():
    network = block()
    network[0].weight.requires_grad_(False)
    return network


def twice():
    linear = nn.Linear(36, 36)
    return nn.Sequential(nn.Conv2d(3, 1, 3), nn.Flatten(), linear, nn.ReLU(), linear)


def tied():
    network = nn.Sequential(nn.Conv2d(3, 1, 3), nn.Flatten(), nn.Linear(36, 36), nn.ReLU(), nn.Linear(36, 36))
    network[4].weight = network[2].weight
    return network


class Own(nn.Sequential):
    def forward(self, values):
        return 2 * super().forward(values)


OTHERS = {
    "batch norm": lambda: block(nn.BatchNorm2d(4)),
    "dropout": lambda: block(nn.Dropout(0.5)),
    "groups": lambda: nn.Sequential(nn.Conv2d(4, 4, 3, groups=2), nn.Flatten(), nn.Linear(4, 3)),
    "reflecting": lambda: nn.Sequential(nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect"), nn.Flatten()),
    "not flat": lambda: nn.Sequential(nn.Linear(8, 8), nn.Flatten()),
    "hooked": hooked,
    "frozen": frozen,
    "one layer twice": twice,
    "tied weights": tied,
    "own forward": lambda: Own(*block()),
    "weight norm": lambda: nn.utils.parametrizations.weight_norm(block()[0]),
    "resnet18": lambda: build("resnet18", in_channels=3, image_size=(32, 32), n_classes=3, seed=0),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks_are_trained_one_by_one(name, monkeypatch):
    network = OTHERS[name]()
    assert chain(network) is None
    monkeypatch.setenv(VARIABLE, "batched")
    form, reason = choose(network, (3, 8, 8), 16, "cpu")
    assert form == "loop"
    assert "no chain" in reason


def test_the_form_follows_from_the_work_and_can_be_named(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    digits, poster = small_cnn(0, 1, 8, 10, 8, 64), small_cnn(0, 3, 32, 10, 32, 64)
    assert choose(digits, (1, 8, 8), 32, "cpu")[0] == "batched"
    assert choose(poster, (3, 32, 32), 64, "cpu")[0] == "loop"
    assert choose(poster, (3, 32, 32), 64, "cuda")[0] == "batched"
    monkeypatch.setenv(VARIABLE, "loop")
    assert choose(digits, (1, 8, 8), 32, "cuda") == ("loop", f"{VARIABLE}=loop")
    monkeypatch.setenv(VARIABLE, "batched")
    assert choose(poster, (3, 32, 32), 64, "cpu") == ("batched", f"{VARIABLE}=batched")
    assert choose(digits, (1, 8, 8), 32, "cpu", adversarial=True)[0] == "loop"
    monkeypatch.setenv(VARIABLE, "fast")
    with pytest.raises(UserError, match="must be loop or batched"):
        choose(digits, (1, 8, 8), 32, "cpu")


def test_multiplications_by_hand():
    # The published network (docs/science.md 3.1): 30 x 30, 13 x 13 and 4 x 4 positions, then two dense layers.
    by_hand = 900 * 27 * 32 + 169 * 9 * 32 * 64 + 16 * 9 * 64 * 64 + 1024 * 64 + 64 * 10
    assert multiplications(chain(small_cnn(0, 3, 32, 10, 32, 64)), (3, 32, 32)) == by_hand
