import copy

import numpy as np
import pytest
import torch
from prototypes_cases import SHAPE, noise, quick, trained
from torch import nn

from workflow_lib.errors import UserError
from workflow_lib.models.layers import head_name, inner
from workflow_lib.models.normalization import wrap
from workflow_lib.models.registry import build
from workflow_lib.prototypes.frozen import frozen

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


class Block(nn.Module):
    """Two convolutions with their norms, used as `how` says, and a head."""

    def __init__(self, how="plain"):
        super().__init__()
        self.how = how
        self.stem = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1, bias=False))
        self.stem_norm = nn.BatchNorm2d(3)
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.head = nn.Linear(3, 4)

    def forward(self, images):
        if self.how == "untraceable" and images.mean() > 2:
            return None
        x = self.stem_norm(self.stem(images)).relu_()
        y = self.conv(x)
        z = self.norm(y)
        if self.how == "seen":
            z = z + y
        if self.how == "twice":
            z = self.conv(z)
        if self.how == "weights":
            z = z + self.conv.weight.mean()
        if self.how == "asks":
            z = z / self.norm.num_features
        return self.head((x + z).relu_().mean((2, 3)))


def classifier(name):
    """Architecture or use of `Block` -> a network with batch norms as after training, and the shape of its images."""
    if name.startswith("block-"):
        network, shape = wrap(Block(name.removeprefix("block-")), 2, {"mean": [0.5, 0.4], "std": [0.2, 0.3]}), SHAPE
    else:
        side = 32 if name.startswith("torchvision/") else 8
        shape = (3, side, side)
        network = build(name, in_channels=3, image_size=(side, side), n_classes=4, seed=0)
    draws = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, NORMS):
            module.running_mean.normal_(0, 0.1, generator=draws)
            module.running_var.uniform_(0.5, 2, generator=draws)
            module.weight.data.uniform_(0.5, 2, generator=draws)
            module.bias.data.normal_(0, 0.1, generator=draws)
    return network, shape


def by_hand(network, images):
    """Logits, input of the head (maps averaged) and gradient of the first logit, of the network as it is."""
    seen = []
    head = inner(network).get_submodule(head_name(network, images.shape[1:]))
    handle = head.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].detach().clone()))
    images = torch.from_numpy(images).requires_grad_()
    logits = network.eval()(images)
    handle.remove()
    (gradient,) = torch.autograd.grad(logits[:, 0].sum(), images)
    features = seen[0].mean((2, 3)) if seen[0].ndim == 4 else seen[0]
    return logits.detach(), features, gradient


def count_norms(network):
    return sum(isinstance(module, NORMS) for module in network.modules())


def close(found, expected):
    np.testing.assert_allclose(found.detach(), expected, atol=1e-5 * float(expected.abs().max()))


@pytest.mark.parametrize(
    ("name", "norms_left"),
    [
        ("small_cnn", 0),
        ("resnet18", 0),
        ("torchvision/mobilenet_v3_small", 0),
        ("torchvision/squeezenet1_1", 0),
        ("block-plain", 0),
        ("block-untraceable", 2),
        ("block-asks", 2),
        ("block-seen", 1),
        ("block-twice", 1),
        ("block-weights", 1),
    ],
)
def test_a_frozen_network_gives_the_numbers_of_the_plain_one(name, norms_left):
    network, shape = classifier(name)
    network.train()
    before = copy.deepcopy(network.state_dict())
    fast = frozen(network, None, shape)
    assert network.training
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    assert all(parameter.requires_grad for parameter in network.parameters())
    images = noise(3, shape=shape)
    logits, features, gradient = by_hand(network, images)
    pixels = torch.from_numpy(images).contiguous(memory_format=fast.memory_format).requires_grad_()
    found = fast(pixels)
    close(found[0], logits)
    close(found[1], features)
    close(torch.autograd.grad(found[0][:, 0].sum(), pixels)[0], gradient)
    assert not any(parameter.requires_grad for parameter in fast.parameters())
    assert (fast.outputs, fast.width) == (4, features.shape[1])
    assert count_norms(fast) == norms_left


def test_a_wrong_fold_would_be_noticed(monkeypatch):
    network, shape = classifier("block-plain")
    monkeypatch.setattr("workflow_lib.prototypes.frozen.fuse_conv_bn_eval", lambda conv, norm: conv)
    assert count_norms(frozen(network, None, shape)) == 2


def test_the_head_is_found_where_it_is_called_logits():
    network, shape = classifier("small_cnn")
    assert head_name(network, shape) == "logits"
    assert frozen(network, None, shape).width == 64


@pytest.mark.parametrize(("layer", "norms_left"), [("stem", 1), ("stem.0", 1), ("stem_norm", 0), ("conv", 1)])
def test_a_named_layer_keeps_its_own_output(layer, norms_left):
    network, shape = classifier("block-plain")
    images = torch.from_numpy(noise(3))
    fast = frozen(network, layer, shape, pool="none")
    with torch.no_grad():
        x = network.eval().network.stem((images - network.mean) / network.std)
        values = {"stem": x, "stem.0": x, "stem_norm": network.network.stem_norm(x)}
        values["conv"] = network.network.conv(values["stem_norm"].relu())
        close(fast(images)[1], values[layer].flatten(1))
        close(frozen(network, layer, shape, pool="max")(images)[1], values[layer].amax((2, 3)))
        close(frozen(network, layer, shape)(images)[1], values[layer].mean((2, 3)))
    assert count_norms(fast) == norms_left


def test_a_later_operation_in_place_does_not_alter_the_features():
    network = wrap(nn.Sequential(nn.Flatten(), nn.Linear(72, 9), nn.ReLU(inplace=True), nn.Linear(9, 4)), 2, None)
    images = torch.from_numpy(noise(3))
    assert (frozen(network, "1", SHAPE)(images)[1] < 0).any()
    assert not (frozen(network, None, SHAPE)(images)[1] < 0).any()


def test_the_layer_logits_is_the_output():
    images = torch.from_numpy(noise(3))
    with torch.no_grad():
        logits, features = frozen(trained(), "logits", SHAPE)(images)
    assert torch.equal(logits, features)


def test_features_are_one_row_per_image_whatever_the_batch():
    images = torch.from_numpy(noise(5))
    with torch.no_grad():
        whole = quick()(images)[1]
        parts = torch.cat([quick()(images[:2])[1], quick()(images[2:])[1]])
    torch.testing.assert_close(parts, whole)


class HeadFirst(nn.Module):
    """Its last layer is made first."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(9, 4)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(72, 9), nn.ReLU())

    def forward(self, images):
        return self.head(self.body(images))


def test_the_features_are_the_input_of_the_layer_that_gives_the_logits():
    network, images = wrap(HeadFirst(), 2, None), torch.from_numpy(noise(3))
    found = frozen(network, None, SHAPE)(images)[1]
    assert torch.equal(found, frozen(network, "body", SHAPE)(images)[1])
    assert found.shape == (3, 9)


def test_a_head_on_channels_last_is_averaged_over_positions():
    class Turned(nn.Module):
        def __init__(self, axes):
            super().__init__()
            self.axes = axes

        def forward(self, maps):
            return maps.permute(self.axes)

    pool = [Turned((0, 3, 1, 2)), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    network = wrap(nn.Sequential(nn.Conv2d(2, 5, 3), Turned((0, 2, 3, 1)), nn.Linear(5, 4), *pool), 2, None)
    images = torch.from_numpy(noise(3))
    with torch.no_grad():
        close(frozen(network, None, SHAPE)(images)[1], network.network[0](images).mean((2, 3)))


class Aside(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(72, 4)
        self.aside = nn.Linear(4, 4)
        self.norm = nn.Flatten(0)

    def forward(self, images):
        self.norm(images)
        return self.head(images.flatten(1))


@pytest.mark.parametrize(
    ("network", "layer", "part"),
    [
        (nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()), None, "cannot be told"),
        (Aside(), "aside", "is not reached"),
        (Aside(), "norm", "a row per image"),
        (Aside(), "haed", "write head"),
    ],
)
def test_layers_that_give_no_features(network, layer, part):
    with pytest.raises(UserError, match=part):
        frozen(wrap(network, 2, None), layer, SHAPE)
