import numpy as np
import pytest
import torch
from torch import nn

from workflow_lib.errors import UserError
from workflow_lib.features.extraction import Layer, extract
from workflow_lib.models.registry import build

RNG = np.random.default_rng(0)
IMAGES = RNG.random((7, 1, 8, 8), dtype=np.float32)


class Odd(nn.Module):
    """A network with what hooks stumble over: in-place changes, reuse, tuples, layers aside."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3)
        self.relu = nn.ReLU(inplace=True)
        self.norm = nn.BatchNorm2d(3)
        self.drop = nn.Dropout(0.5)
        self.recurrent = nn.LSTM(6, 5, batch_first=True)
        self.aside = nn.Linear(1, 1)
        self.mean = nn.AdaptiveAvgPool1d(1)
        self.head = nn.Linear(5, 4)

    def forward(self, images):
        maps = self.relu(self.conv(images))
        maps = self.relu(self.norm(self.drop(maps)))
        sequence, _ = self.recurrent(maps.flatten(1, 2))
        return self.head(sequence[:, -1])


@pytest.fixture
def odd():
    torch.manual_seed(0)
    network = Odd()
    network.norm.running_mean.fill_(0.3)
    return network


def features(network, batches=(IMAGES,), **layers):
    """All features by role, and all logits."""
    parts = list(extract(network, iter(batches), {role: Layer(*layer) for role, layer in layers.items()}))
    joined = {role: np.concatenate([part.features[role] for part in parts]) for role in layers}
    return joined, np.concatenate([part.logits for part in parts])


def test_layers_equal_a_forward_pass_by_hand(odd):
    found, logits_found = features(odd, conv=["conv"], norm=["norm"], out=["logits"], head=["head"])
    odd.eval()
    with torch.no_grad():
        conv = odd.conv(torch.from_numpy(IMAGES))
        norm = odd.norm(conv.relu())
        sequence, _ = odd.recurrent(norm.relu().flatten(1, 2))
        logits = odd.head(sequence[:, -1])
    np.testing.assert_allclose(found["conv"], conv.flatten(1), atol=1e-6)
    assert (found["conv"] < 0).any(), "the in-place ReLU after the layer has altered its output"
    np.testing.assert_allclose(found["norm"], norm.flatten(1), atol=1e-6)
    np.testing.assert_allclose(found["out"], logits, atol=1e-6)
    np.testing.assert_array_equal(found["out"], found["head"])
    np.testing.assert_allclose(logits_found, logits, atol=1e-6)
    assert found["conv"].dtype == np.float32
    assert logits_found.dtype == np.float32


def test_pools(odd):
    found, _ = features(
        odd, all=["conv"], avg=["conv", "avg"], max=["conv", "max"], flat=["head", "avg"], plain=["head"]
    )
    maps = found["all"].reshape(7, 3, 36)
    np.testing.assert_allclose(found["avg"], maps.mean(2), atol=1e-6)
    np.testing.assert_array_equal(found["max"], maps.max(2))
    np.testing.assert_array_equal(found["flat"], found["plain"])


def test_tokens_are_pooled_over_the_sequence():
    network = nn.Sequential(nn.Flatten(1, 2), nn.LayerNorm(8), nn.Flatten(), nn.Linear(64, 2))  # (n, 8 tokens, 8)
    found, _ = features(network, tokens=["1"], mean=["1", "avg"])
    np.testing.assert_allclose(found["mean"], found["tokens"].reshape(7, 8, 8).mean(1), atol=1e-6)


def test_channels_are_kept_wherever_they_are():
    class Turned(nn.Module):
        def forward(self, maps):
            return maps.permute(0, 2, 3, 1)

    network = nn.Sequential(nn.Conv2d(1, 3, 3), Turned(), nn.Flatten(), nn.Linear(108, 2))
    found, _ = features(
        network, maps=["0"], avg=["1", "avg"], max=["1", "max"], rows=["1", "avg", "first"], same=["1", "avg", "last"]
    )
    maps = found["maps"].reshape(7, 3, 6, 6)
    np.testing.assert_allclose(found["avg"], maps.mean((2, 3)), atol=1e-6)
    np.testing.assert_array_equal(found["max"], maps.max((2, 3)))
    np.testing.assert_allclose(found["rows"], maps.mean((1, 3)), atol=1e-6)
    np.testing.assert_array_equal(found["same"], found["avg"])


def test_volumes_are_pooled_over_all_positions():
    network = nn.Sequential(nn.Unflatten(1, (1, 1)), nn.Conv3d(1, 3, (1, 3, 3)), nn.Flatten(), nn.Linear(108, 2))
    found, _ = features(network, all=["1"], avg=["1", "avg"])
    np.testing.assert_allclose(found["avg"], found["all"].reshape(7, 3, 36).mean(2), atol=1e-6)


def test_an_axis_that_cannot_be_told_is_asked_for():
    network = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.LayerNorm((1, 2, 2)), nn.Flatten(), nn.Linear(4, 2))
    with pytest.raises(UserError, match=r"layers.norm: 1\n.*cannot be told"):
        features(network, norm=["1", "avg"])
    assert features(network, norm=["1", "avg", "first"])[0]["norm"].shape == (7, 1)


def test_batches_do_not_matter(odd):
    whole, predicted = features(odd, conv=["conv"], out=["logits"])
    parts, in_parts = features(odd, [IMAGES[:3], IMAGES[3:4], IMAGES[4:]], conv=["conv"], out=["logits"])
    for role in whole:
        np.testing.assert_allclose(parts[role], whole[role], atol=1e-6)
    np.testing.assert_array_equal(in_parts, predicted)


def test_the_network_is_left_as_it_was(odd):
    odd.train()
    before = {name: value.clone() for name, value in odd.state_dict().items()}
    features(odd, conv=["conv"])
    assert odd.training
    assert all(torch.equal(before[name], value) for name, value in odd.state_dict().items())
    assert not odd.conv._forward_hooks


def test_batches_are_streamed(odd):
    taken = []

    def batches():
        for start in range(3):
            taken.append(start)
            yield IMAGES[start : start + 1]

    stream = extract(odd, batches(), {"conv": Layer("conv")})
    next(stream)
    assert taken == [0]


@pytest.mark.parametrize(
    ("module", "part"),
    [
        ("relu", "is called more than once"),
        ("recurrent", "returns a tuple"),
        ("aside", "is not reached"),
        ("cnov", "write conv"),
        ("", "the layers are: conv, relu"),
    ],
)
def test_layers_that_give_no_features(odd, module, part):
    with pytest.raises(UserError) as caught:
        features(odd, role=[module])
    assert part in str(caught.value)
    assert "layers.role" in str(caught.value)
    assert not odd.relu._forward_hooks


def test_a_layer_without_a_row_per_image():
    class Summed(nn.Module):
        def __init__(self):
            super().__init__()
            self.flat = nn.Flatten(0)
            self.head = nn.Linear(64, 2)

        def forward(self, images):
            self.flat(images)
            return self.head(images.flatten(1))

    with pytest.raises(UserError, match="not a row per image"):
        features(Summed(), flat=["flat"])


def test_layers_lie_within_the_normalisation():
    network = build(
        "small_cnn", in_channels=1, image_size=(8, 8), n_classes=4, seed=0, normalize={"mean": [0.5], "std": [0.1]}
    )
    found, _ = features(network, early=["conv1.conv"], out=["logits"])
    inside = network.network.conv1.conv((torch.from_numpy(IMAGES) - 0.5) / 0.1)
    np.testing.assert_allclose(found["early"], inside.detach().flatten(1), atol=1e-5)
    np.testing.assert_allclose(found["out"], network(torch.from_numpy(IMAGES)).detach(), atol=1e-5)
