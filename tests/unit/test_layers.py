import pytest
import torch
from torch import nn
from torch.nn import functional

from workflow_lib.models.layers import head_name
from workflow_lib.models.torchvision_shim import import_torchvision

SHAPE = (2, 4, 4)


class HeadFirst(nn.Module):
    """A network whose last layer is made first, and what it does with the logits."""

    def __init__(self, after=lambda network, logits: logits):
        super().__init__()
        self.head = nn.Linear(6, 3)
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(32, 6), nn.ReLU())
        self.other = nn.Linear(3, 3)
        self.weight = nn.Parameter(torch.eye(3))
        self.after = after

    def forward(self, images):
        return self.after(self, self.head(self.body(images)))


@pytest.mark.parametrize(
    "after",
    [
        lambda network, logits: logits,
        lambda network, logits: logits[:, :, None].squeeze(2).view(-1, 3).clone(),
        lambda network, logits: 3 * logits / 7,
        lambda network, logits: logits.relu(),
        lambda network, logits: functional.log_softmax(logits, 1),
        lambda network, logits: nn.Dropout()(logits) if network.training else logits,
    ],
)
def test_the_head_is_what_gives_the_logits(after):
    assert head_name(HeadFirst(after), SHAPE) == "head"


@pytest.mark.parametrize(
    "after",
    [
        lambda network, logits: logits + network.other(logits),  # from several layers
        lambda network, logits: functional.linear(logits, network.weight),
        lambda network, logits: logits @ network.weight,
        lambda network, logits: logits[:, :2],
        lambda network, logits: logits.detach(),
        lambda network, logits: functional.layer_norm(logits, (3,)),
        lambda network, logits: logits.repeat(1, 2),
    ],
)
def test_a_head_that_cannot_be_told(after):
    assert head_name(HeadFirst(after), SHAPE) is None


def test_a_layer_with_a_forward_of_its_own_is_no_head():
    class Cosine(nn.Linear):
        def forward(self, values):
            return functional.linear(functional.normalize(values), self.weight)

    assert head_name(nn.Sequential(nn.Flatten(), Cosine(32, 3)), SHAPE) is None


def test_a_head_on_maps_is_averaged():
    network = nn.Sequential(nn.Conv2d(2, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert head_name(network, SHAPE) == "0"
    network[0] = nn.Conv2d(2, 3, 3)
    assert head_name(network, SHAPE) is None


def test_a_frozen_head_is_found_and_the_network_is_left_as_it_was():
    network = HeadFirst().requires_grad_(False)
    network.body.append(nn.BatchNorm1d(6))
    before, drawn = {name: value.clone() for name, value in network.state_dict().items()}, torch.get_rng_state()
    assert head_name(network, SHAPE) == "head"
    assert network.training
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn)
    assert not network.head._forward_hooks
    assert all(parameter.grad is None for parameter in network.parameters())


TORCHVISION = {
    "alexnet": "classifier.6",
    "convnext_tiny": "classifier.2",
    "densenet121": "classifier",
    "efficientnet_b0": "classifier.1",
    "efficientnet_v2_s": "classifier.1",
    "googlenet": "fc",
    "inception_v3": "fc",
    "maxvit_t": "classifier.5",
    "mnasnet0_5": "classifier.1",
    "mobilenet_v2": "classifier.1",
    "mobilenet_v3_small": "classifier.3",
    "regnet_y_400mf": "fc",
    "resnet18": "fc",
    "resnext50_32x4d": "fc",
    "shufflenet_v2_x0_5": "fc",
    "squeezenet1_0": "classifier.1",
    "swin_t": "head",
    "swin_v2_t": "head",
    "vgg11": "classifier.6",
    "vit_b_32": "heads.head",
    "wide_resnet50_2": "fc",
}
QUICK = ("googlenet", "mobilenet_v3_small", "squeezenet1_0")


@pytest.mark.filterwarnings("ignore:The default weight initialization")
@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in TORCHVISION]
)
def test_heads_of_torchvision(name):
    side = 224 if name in ("maxvit_t", "vit_b_32") else 96
    network = import_torchvision().models.get_model(name, weights=None, num_classes=5)
    assert head_name(network, (3, side, side)) == TORCHVISION[name]
