import pytest
import torch
from torch import nn

from workflow_lib.errors import UserError
from workflow_lib.models.channels import channel_axis, pooling_axis
from workflow_lib.models.torchvision_shim import import_torchvision

SHAPE = (2, 8, 8)


class Permuted(nn.Module):
    def __init__(self, *axes):
        super().__init__()
        self.axes = axes

    def forward(self, maps):
        return maps.permute(*self.axes)


class Residual(nn.Module):
    """x + f(x), with an activation after it."""

    def __init__(self, within, after):
        super().__init__()
        self.within, self.after = within, after

    def forward(self, values):
        return self.after(values + self.within(values))


class Fixed(nn.Module):
    """Flatten, then a linear layer: takes images of one size only."""

    def __init__(self, *before, values=128):
        super().__init__()
        self.before = nn.Sequential(*before)
        self.layer = nn.Identity()
        self.head = nn.Linear(values, 2)

    def forward(self, images):
        return self.head(self.layer(self.before(images)).flatten(1))


LAST = Permuted(0, 2, 3, 1)
SQUARE = nn.AdaptiveAvgPool2d(4)
CASES = {
    "maps": ([nn.Conv2d(2, 4, 3)], 1),
    "one channel": ([nn.Conv2d(2, 1, 3)], 1),
    "channels last": ([nn.Conv2d(2, 4, 3), LAST], 3),
    "functions only": ([LAST], 3),
    "lines": ([nn.Conv2d(2, 4, 3), nn.Flatten(2)], 1),
    "tokens": ([nn.Conv2d(2, 4, 3), nn.Flatten(2), Permuted(0, 2, 1)], 2),
    "maps of a fixed size": ([nn.Conv2d(2, 4, 3), SQUARE], 1),
    "fixed size, channels last": ([nn.Conv2d(2, 4, 3), nn.ReLU(), SQUARE, LAST], 3),
    "fixed size, linear": ([nn.Conv2d(2, 4, 3), SQUARE, LAST, nn.Linear(4, 4), nn.GELU()], 3),
    "averaged": ([nn.Conv2d(2, 4, 3), nn.AdaptiveAvgPool2d(1)], 1),
    "bounded": ([nn.Conv2d(2, 4, 3), SQUARE, nn.Sigmoid()], 1),
    "one channel, one position": ([nn.Conv2d(2, 1, 8)], 1),
    "residual": ([SQUARE, Residual(nn.Conv2d(2, 2, 3, padding=1), nn.ReLU())], 1),
    "residual, channels last": ([SQUARE, LAST, Residual(nn.Linear(2, 2), nn.ReLU6())], 3),
    "a norm of maps": ([SQUARE, LAST, nn.LayerNorm((4, 4, 2))], None),  # nothing says which axis is the channel
    "mixed": ([nn.Conv2d(2, 16, 3), SQUARE, nn.PixelShuffle(2)], None),
    "a vector": ([nn.Conv2d(2, 4, 3), nn.Flatten()], 1),
}


@pytest.mark.parametrize("case", CASES)
def test_the_axis_of_the_channels(case):
    torch.manual_seed(0)
    before, expected = CASES[case]
    values = nn.Sequential(*before)(torch.zeros(1, *SHAPE)).numel()
    assert channel_axis(Fixed(*before, values=values), SHAPE, "layer") == expected


def test_a_module_that_is_not_reached_or_returns_a_tuple_has_nothing_to_pool():
    network = Fixed()
    network.aside, network.layer = nn.Conv2d(2, 2, 1), nn.LSTM(8, 8)
    assert channel_axis(network, SHAPE, "aside") == channel_axis(network, SHAPE, "layer") == 1


def test_what_cannot_be_told_is_asked_for():
    before, _ = CASES["a norm of maps"]
    network = Fixed(*before, values=32)
    with pytest.raises(UserError) as caught:
        pooling_axis(network, SHAPE, "layer", "avg", None, "layers.norm")
    for part in ("layers.norm: layer", "cannot be told", "channels: first", "pool: none"):
        assert part in str(caught.value)
    assert pooling_axis(network, SHAPE, "layer", "avg", "last", "layers.norm") == -1
    assert pooling_axis(network, SHAPE, "layer", "max", "first", "layers.norm") == 1
    assert pooling_axis(network, SHAPE, "layer", "none", None, "layers.norm") == 1


def test_the_network_is_left_as_it_was():
    network = Fixed(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), nn.Dropout(), SQUARE, values=64)
    before, drawn = {name: value.clone() for name, value in network.state_dict().items()}, torch.get_rng_state()
    channel_axis(network, SHAPE, "layer")
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn)
    assert not any(module._forward_hooks for module in network.modules())


def small_swin(models, block=None):
    more = {} if block is None else {"block": block, "downsample_layer": models.swin_transformer.PatchMergingV2}
    return models.SwinTransformer(
        [4, 4], embed_dim=8, depths=[2, 2], num_heads=[1, 2], window_size=[2, 2], num_classes=5, **more
    )


def small_convnext(models):
    setting = models.convnext.CNBlockConfig
    return models.ConvNeXt([setting(8, 16, 1), setting(16, None, 1)], num_classes=5)


def small_vit(models):
    return models.VisionTransformer(32, 8, num_layers=2, num_heads=2, hidden_dim=12, mlp_dim=16, num_classes=5)


def small_maxvit(models):
    sizes = {"stem_channels": 8, "partition_size": 2, "block_channels": [8, 16], "block_layers": [1, 1], "head_dim": 4}
    return models.MaxVit((32, 32), stochastic_depth_prob=0.0, num_classes=5, **sizes)


SMALL = {
    "swin": (small_swin, {"features.0": 8, "features.1": 8, "features.2": 16, "features.3": 16, "norm": 16}),
    "swin_v2": (
        lambda models: small_swin(models, models.swin_transformer.SwinTransformerBlockV2),
        {"features.3.0": 16, "features.3.1": 16, "features.3": 16, "norm": 16, "permute": 16, "avgpool": 16},
    ),
    "convnext": (
        small_convnext,
        {"features.1.0": 8, "features.1.0.block.1": 8, "features.1.0.block.3": 32, "features.3": 16, "avgpool": 16},
    ),
    "vit": (
        small_vit,
        {"conv_proj": 12, "encoder.dropout": 12, "encoder.layers.encoder_layer_1": 12, "encoder.ln": 12},
    ),
    "maxvit": (
        small_maxvit,
        {"stem": 8, "blocks.0": 8, "blocks.1.layers.0.layers.window_attention": 16, "blocks.1": 16},
    ),
}


@pytest.mark.parametrize("family", SMALL)
def test_small_networks_of_torchvisions_families(family):
    torch.manual_seed(0)
    make, layers = SMALL[family]
    network, lengths = make(import_torchvision().models).eval(), {}
    outputs = {}
    for name in layers:
        network.get_submodule(name).register_forward_hook(lambda *call, name=name: outputs.update({name: call[2]}))
    axes = {name: channel_axis(network, (3, 32, 32), name) for name in layers}
    network(torch.rand(2, 3, 32, 32))
    for name, axis in axes.items():
        assert axis is not None, name
        lengths[name] = outputs[name].shape[axis]
    assert lengths == layers


TORCHVISION = {
    "vgg11": {"features": 512, "features.3": 128, "avgpool": 512},
    "resnet18": {"layer1": 64, "layer4": 512, "avgpool": 512},
    "densenet121": {"features.denseblock4": 1024, "features": 1024, "features.transition1": 128},
    "googlenet": {"inception3a": 256, "inception5b": 1024},
    "shufflenet_v2_x0_5": {"stage2": 48, "stage4": 192},
    "efficientnet_b0": {"features.4": 80, "features.4.0.block.2": 240},  # the last one: squeeze and excitation
    "regnet_y_400mf": {"trunk_output.block4": 440},
    "squeezenet1_1": {"features": 512, "classifier.1": 5},
    "swin_t": {"features.7": 768, "norm": 768, "permute": 768},
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The default weight initialization")
@pytest.mark.parametrize("name", TORCHVISION)
def test_layers_of_torchvision(name):
    network = import_torchvision().models.get_model(name, weights=None, num_classes=5).eval()
    for layer, channels in TORCHVISION[name].items():
        outputs = []
        handle = network.get_submodule(layer).register_forward_hook(
            lambda *call, outputs=outputs: outputs.append(call[2])
        )
        network(torch.rand(2, 3, 64, 64))
        handle.remove()
        assert outputs[0].shape[channel_axis(network, (3, 64, 64), layer)] == channels
