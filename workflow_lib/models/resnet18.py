"""ResNet-18 for small images."""

from torch import nn

from workflow_lib.models.torchvision_shim import import_torchvision


def resnet18(in_channels: int, n_classes: int) -> nn.Module:
    """ResNet-18 with a stem for small images: 3 x 3 convolution of stride 1, no max-pool.

    Layers: layer1 … layer4, avgpool (512 features), fc. He et al. (2016); the stem is the usual one for CIFAR-10.
    """
    network: nn.Module = import_torchvision().models.resnet18(num_classes=n_classes)
    network.conv1 = nn.Conv2d(in_channels, 64, kernel_size=3, padding=1, bias=False)
    nn.init.kaiming_normal_(network.conv1.weight, mode="fan_out", nonlinearity="relu")
    network.maxpool = nn.Identity()
    return network
