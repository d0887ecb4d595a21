import re
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from workflow_lib.errors import UserError
from workflow_lib.models.architectures import ARCHITECTURES
from workflow_lib.models.layers import find_layer, head_name, layer_names
from workflow_lib.models.registry import build
from workflow_lib.models.stored import describe, restore
from workflow_lib.models.weights import load_weights, read_weights, stored_outputs


def small(side=32, channels=3, n_classes=10, seed=0, **more):
    return build(
        "small_cnn",
        in_channels=channels,
        image_size=(side, side),
        n_classes=n_classes,
        seed=seed,
        **more,
    )


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_small_cnn_has_the_published_number_of_parameters():
    # docs/science.md 3.1: 896 + 18,496 + 36,928 + 65,600 + 650
    assert parameters(small()) == 896 + 18_496 + 36_928 + 65_600 + 650 == 122_570


@pytest.mark.parametrize(
    ("side", "flat"), [(28, 64 * 3 * 3), (26, 64 * 3 * 3), (25, 64 * 6 * 6), (8, 1024), (4, 1024), (1, 64)]
)
def test_small_cnn_fits_smaller_images(side, flat):
    network = small(side, channels=1)
    assert network.network.dense1.linear.in_features == flat
    assert network(torch.rand(3, 1, side, side)).shape == (3, 10)


def test_small_cnn_equals_its_layers_in_the_published_order():
    network = small().network
    images = torch.rand(2, 3, 32, 32)
    x = images
    for conv in (network.conv1.conv, network.conv2.conv):
        x = torch.max_pool2d(torch.relu(conv(x)), 2)  # ReLU before the pool, as published
    x = torch.relu(network.conv3.conv(x)).flatten(1)
    expected = network.logits(torch.relu(network.dense1.linear(x)))
    torch.testing.assert_close(network(images), expected)


def test_initial_weights_depend_on_the_seed_alone():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = small(seed=5).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert all(torch.equal(first[name], value) for name, value in small(seed=5).state_dict().items())
    assert not torch.equal(first["network.conv1.conv.weight"], small(seed=6).network.conv1.conv.weight)


def test_normalisation_is_inside():
    plain, normal = small(), small(normalize={"mean": [0.1, 0.2, 0.3], "std": [0.5, 0.25, 2.0]})
    images = torch.rand(2, 3, 32, 32)
    by_hand = torch.stack([(images[:, 0] - 0.1) / 0.5, (images[:, 1] - 0.2) / 0.25, (images[:, 2] - 0.3) / 2], 1)
    torch.testing.assert_close(normal(images), plain(by_hand))
    assert not torch.allclose(normal(images), plain(images))
    assert list(normal.network.state_dict()) == list(plain.network.state_dict())


@pytest.mark.parametrize(
    ("normalize", "part"),
    [({"mean": [0.5], "std": [1, 1, 1]}, "normalize.mean"), ({"mean": [0, 0, 0], "std": [1, 0, 1]}, "greater than 0")],
)
def test_wrong_normalisation(normalize, part):
    with pytest.raises(UserError, match=part):
        small(normalize=normalize)


@pytest.mark.parametrize(
    ("architecture", "options", "parts"),
    [
        ("smal_cnn", {}, ["smal_cnn", "write small_cnn"]),
        ("torchvision/resnet51", {}, ["resnet51", "write torchvision/resnet50"]),
        ("small_cnn", {"widht": 8}, ["options.widht", "write width"]),
        ("resnet18", {"widht": 8}, ["options.widht", "write width"]),
        ("no_such_module:make", {}, ["ModuleNotFoundError", "no_such_module"]),
        ("json:no_such_function", {}, ["json has no function 'no_such_function'", "loads"]),
        ("torchvision/alexnet", {}, ["fails on images of shape (3, 8, 8)"]),
    ],
)
def test_wrong_architectures(architecture, options, parts):
    with pytest.raises(UserError) as caught:
        build(architecture, in_channels=3, image_size=(8, 8), n_classes=4, seed=0, options=options)
    for part in parts:
        assert part in str(caught.value)


def test_torchvision_wants_three_channels():
    with pytest.raises(UserError, match="three channels"):
        build("torchvision/resnet18", in_channels=1, image_size=(64, 64), n_classes=4, seed=0)


def test_resnet18_keeps_small_images_large():
    network = build("resnet18", in_channels=1, image_size=(8, 8), n_classes=7, seed=0)
    maps = []
    network.network.layer1.register_forward_hook(lambda *call: maps.append(call[2].shape))
    assert network(torch.rand(2, 1, 8, 8)).shape == (2, 7)
    assert maps == [(2, 64, 8, 8)]
    assert {"layer1", "layer4", "avgpool", "fc", "logits"} <= set(layer_names(network))


def test_resnet18_of_another_width():
    network = build("resnet18", in_channels=3, image_size=(32, 32), n_classes=10, seed=0, options={"width": 16})
    shapes = {name: tuple(value.shape) for name, value in network.network.named_parameters()}
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 10)
    assert shapes["conv1.weight"] == (16, 3, 3, 3)
    assert shapes["layer4.1.conv2.weight"] == (128, 128, 3, 3)
    published = build("resnet18", in_channels=3, image_size=(32, 32), n_classes=10, seed=0)
    assert shapes.keys() == dict(published.network.named_parameters()).keys()


def test_torchvision_head_has_the_classes_of_the_data():
    network = build("torchvision/squeezenet1_1", in_channels=3, image_size=(64, 64), n_classes=5, seed=0)
    assert network(torch.rand(2, 3, 64, 64)).shape == (2, 5)
    assert head_name(network, (3, 64, 64)) == "classifier.1"


USER_CODE = """
from torch import nn
def good(in_channels, image_size, n_classes, hidden=3):
    pixels = in_channels * image_size[0] * image_size[1]
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, hidden), nn.Linear(hidden, n_classes))
def bad(**arguments):
    return 1 / 0
def no_module(**arguments):
    return "network"
def wrong_size(in_channels, image_size, n_classes):
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(n_classes + 1))
def lazy(in_channels, image_size, n_classes):
    return nn.Sequential(nn.LazyConv2d(4, 2), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(n_classes))
def aside(n_classes, **shape):
    network = nn.Sequential(nn.Flatten(), nn.LazyLinear(n_classes))
    network.head = nn.Identity()
    network.head.aside = nn.LazyLinear(3)
    return network
class Odd(nn.Module):
    def __init__(self, kind, classes):
        super().__init__()
        self.kind, self.last = kind, nn.LazyLinear(classes)
    def forward(self, images):
        logits = self.last(images.flatten(1))
        if self.kind == "exit":
            raise SystemExit(1)
        return {"tuple": (logits, logits), "dict": {"logits": logits}}[self.kind]
def a_tuple(n_classes, **shape):
    return Odd("tuple", n_classes)
def a_dict(n_classes, **shape):
    return Odd("dict", n_classes)
def leaves(n_classes, **shape):
    return Odd("exit", n_classes)
"""


@pytest.fixture
def user_module(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    Path("my_networks.py").write_text(USER_CODE)
    yield "my_networks"
    sys.modules.pop("my_networks", None)


def test_user_function(user_module):
    network = build(f"{user_module}:good", in_channels=2, image_size=(3, 4), n_classes=5, seed=0, options={"hidden": 7})
    assert network.network[1].weight.shape == (7, 24)


@pytest.mark.parametrize(
    ("function", "parts"),
    [
        ("bad", ["ZeroDivisionError: division by zero", "my_networks.py, line 7"]),
        ("no_module", ["must return a torch.nn.Module, not str"]),
        ("wrong_size", ["(2, 5)", "not (2, 6)"]),
        ("god", ["has no function 'god'", "good"]),
        ("aside", ["not reached", "head.aside.weight, head.aside.bias"]),
        ("a_tuple", ["must return one tensor of logits", "not tuple"]),
        ("a_dict", ["must return one tensor of logits", "not dict"]),
        ("leaves", ["fails on images of shape (2, 3, 4)", "SystemExit: 1"]),
    ],
)
def test_user_function_that_fails(user_module, function, parts):
    with pytest.raises(UserError) as caught:
        build(f"{user_module}:{function}", in_channels=2, image_size=(3, 4), n_classes=5, seed=0)
    for part in parts:
        assert part in str(caught.value)


def test_lazy_layers_can_be_trained_and_depend_on_the_seed_alone(user_module):
    shape = {"in_channels": 2, "image_size": (3, 4), "n_classes": 5}
    first, again, other = (build(f"{user_module}:lazy", **shape, seed=seed) for seed in (0, 0, 1))
    assert first.network[3].weight.shape == (5, 4 * 2 * 3)
    assert all(torch.equal(first.state_dict()[name], value) for name, value in again.state_dict().items())
    assert not torch.equal(first.network[3].weight, other.network[3].weight)
    first(torch.rand(2, 2, 3, 4)).sum().backward()
    assert first.network[0].weight.grad is not None


def test_the_network_of_the_guide(tmp_path, monkeypatch):
    guide = (Path(__file__).parents[2] / "docs" / "models.md").read_text()
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if "def two_layers" in block]
    (tmp_path / "networks_of_the_guide.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    network = build(
        "networks_of_the_guide:two_layers",
        in_channels=1,
        image_size=(8, 8),
        n_classes=10,
        seed=0,
        options={"hidden": 64},
    )
    assert find_layer(network, "2")(torch.tensor([-1.0, 1.0])).tolist() == [0, 1]


def test_layers_by_name():
    network = small()
    assert find_layer(network, "conv1.conv") is network.network.conv1.conv
    assert find_layer(network, "logits") is network.network
    assert layer_names(network)[-1] == "logits"
    with pytest.raises(UserError) as caught:
        find_layer(network, "dense", "models.m.layers.late")
    text = str(caught.value)
    assert "models.m.layers.late: dense" in text
    assert "write dense1" in text
    assert all(name in text for name in layer_names(network))


def test_weights_from_a_file(tmp_path):
    source, path = small(seed=1), tmp_path / "weights.pt"
    for content in (
        source.network.state_dict(),
        {"state_dict": {f"module.{name}": value for name, value in source.network.state_dict().items()}, "epoch": 3},
    ):
        torch.save(content, path)
        network = small(seed=2)
        load_weights(network, read_weights(str(path), "small_cnn"), str(path))
        assert torch.equal(network.network.conv1.conv.weight, source.network.conv1.conv.weight)


def test_weights_that_do_not_fit_are_listed():
    weights = dict(small(n_classes=7).network.state_dict())
    weights["surplus"] = weights.pop("conv1.conv.bias")
    network = small()
    before = network.network.conv3.conv.weight.clone()
    with pytest.raises(UserError) as caught:
        load_weights(network, weights, "w.pt")
    text = str(caught.value)
    for part in (
        "missing: conv1.conv.bias",
        "unknown to the network: surplus",
        "logits.weight (7, 64) instead of (10, 64)",
    ):
        assert part in text
    assert torch.equal(network.network.conv3.conv.weight, before)


def test_only_the_head_may_be_new():
    pretrained, network = small(n_classes=7, seed=3), small(seed=4)
    head = network.network.logits.weight.clone()
    assert stored_outputs(network, pretrained.network.state_dict(), "logits") == 7
    load_weights(network, pretrained.network.state_dict(), "w.pt", new_head="logits")
    assert torch.equal(network.network.logits.weight, head)
    assert torch.equal(network.network.conv1.conv.weight, pretrained.network.conv1.conv.weight)


class Code:
    def __reduce__(self):
        return (print, ("code in a file of weights must not run",))


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (None, "no such file"),
        (b"damaged", "cannot be read"),
        (nn.Linear(2, 2), "cannot be read"),
        (Code(), "cannot be read"),
        ([1], "state_dict"),
    ],
)
def test_files_without_weights(tmp_path, capsys, content, part):
    path = tmp_path / "weights.pt"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        torch.save(content, path)
    with pytest.raises(UserError, match=part):
        read_weights(str(path), "small_cnn")
    assert capsys.readouterr().out == ""


def test_torchvision_has_no_weights_for_own_networks():
    with pytest.raises(UserError, match="no weights for small_cnn"):
        read_weights("torchvision", "small_cnn")


def test_a_network_is_made_again_from_its_description():
    spec = {"architecture": "small_cnn", "options": {"width": 4}, "normalize": {"mean": [0.5], "std": [0.25]}}
    network = small(8, channels=1, options=spec["options"], normalize=spec["normalize"], n_classes=3)
    stored = {**describe(spec, (1, 8, 8), 3), "network": network.network.state_dict()}
    images = torch.rand(2, 1, 8, 8)
    assert torch.equal(restore(stored)(images), network.eval()(images))


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
@pytest.mark.parametrize("side", [8, 32])
def test_the_config_knows_the_outermost_modules(architecture, side):
    network = build(architecture, in_channels=1, image_size=(side, side), n_classes=3, seed=0)
    assert {name.split(".")[0] for name in layer_names(network)} == set(ARCHITECTURES[architecture].blocks)
