import numpy as np
import pytest
import torch
from torch import nn

from workflow_lib.errors import UserError
from workflow_lib.features.extraction import Layer, extract
from workflow_lib.models.registry import build
from workflow_lib.models.torchvision_shim import import_torchvision

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


COLOURS = np.random.default_rng(1).random((5, 3, 32, 32), dtype=np.float32)


def vit_of_torchvision():
    kind = import_torchvision().models.VisionTransformer
    network = kind(32, 8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=3)
    nn.init.normal_(network.heads.head.weight)  # it starts at zero
    return network, "encoder", network.heads


def vit_of_timm():
    import_torchvision()
    kind = pytest.importorskip("timm").models.VisionTransformer
    network = kind(img_size=32, patch_size=8, depth=2, num_heads=2, embed_dim=16, num_classes=3)
    return network, "norm", network.head


@pytest.mark.parametrize("make", [vit_of_torchvision, vit_of_timm])
def test_the_class_token_is_what_the_head_sees(make):
    torch.manual_seed(0)
    network, last, head = make()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    seen = []
    head.register_forward_hook(lambda module, inputs, output: seen.append(inputs[0].detach()))
    found, _ = features(network, [COLOURS], token=[last, "cls"], all=[last], avg=[last, "avg", "last"])
    np.testing.assert_allclose(found["token"], seen[-1], atol=1e-6)
    tokens = found["all"].reshape(5, 17, 16)
    np.testing.assert_array_equal(found["token"], tokens[:, 0])
    np.testing.assert_allclose(found["avg"], tokens.mean(1), atol=1e-6)  # of all tokens, the class token too
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


@pytest.mark.parametrize(("layer", "reason"), [("conv_proj", "returns no sequence"), ("heads", "returns no sequence")])
def test_a_layer_without_the_class_token(layer, reason):
    with pytest.raises(UserError, match=reason):
        features(vit_of_torchvision()[0], [COLOURS], token=[layer, "cls"])


def test_a_sequence_before_the_class_token_is_put_to_it():
    class Late(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.cls_token, self.head = (
                nn.Conv2d(3, 4, 8, 8),
                nn.Parameter(torch.ones(4)),
                nn.Linear(4, 3),
            )
            self.tokens, self.both = nn.Identity(), nn.Identity()

        def forward(self, images):
            tokens = self.tokens(self.patches(images).flatten(2).mT)
            first = tokens.mean(1) + self.cls_token
            return self.head(self.both(torch.cat([first[:, None], tokens], 1))[:, 0])

    with pytest.raises(UserError, match="begins with the class token"):
        features(Late(), [COLOURS], token=["tokens", "cls"])
    assert features(Late(), [COLOURS], token=["both", "cls"])[0]["token"].shape == (5, 4)


def test_a_network_without_a_class_token(odd):
    with pytest.raises(UserError, match=r"layers\.token: conv\n.*has no class token"):
        features(odd, token=["conv", "cls"])


def test_batches_do_not_matter(odd):
    whole, predicted = features(odd, conv=["conv"], out=["logits"])
    parts, in_parts = features(odd, [IMAGES[:3], IMAGES[3:4], IMAGES[4:]], conv=["conv"], out=["logits"])
    for role in whole:
        np.testing.assert_allclose(parts[role], whole[role], atol=1e-6)
    np.testing.assert_allclose(in_parts, predicted, atol=1e-6)


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
