"""ResNet-18 for small images."""

from typing import Any

from torch import nn

from workflow_lib.models.torchvision_shim import import_torchvision

PUBLISHED_WIDTH = 64


def resnet18(in_channels: int, n_classes: int, width: int = PUBLISHED_WIDTH) -> nn.Module:
    """ResNet-18 with a stem for small images: 3 x 3 convolution of stride 1, no max-pool.

    Layers: layer1 … layer4 (width … 8 width channels), avgpool (8 width features), fc. He et al. (2016); the stem is
    the usual one for CIFAR-10. At width 16 a sixteenth of the work: for training without a GPU.
    """
    models = import_torchvision().models.resnet

    class ResNet18(models.ResNet):  # type: ignore[misc, name-defined]
        def _make_layer(self, block: type[nn.Module], planes: int, *args: Any, **kwargs: Any) -> nn.Sequential:
            if planes == PUBLISHED_WIDTH:
                self.inplanes = width
            layer: nn.Sequential = super()._make_layer(block, planes // PUBLISHED_WIDTH * width, *args, **kwargs)
            return layer

    network: nn.Module = ResNet18(models.BasicBlock, [2, 2, 2, 2], num_classes=n_classes)
    network.conv1 = nn.Conv2d(in_channels, width, kernel_size=3, padding=1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.maxpool = nn.Identity()
    if width != PUBLISHED_WIDTH:
        network.bn1 = nn.BatchNorm2d(width)
        network.fc = nn.Linear(8 * width, n_classes)
    return network
