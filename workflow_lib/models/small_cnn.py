"""The small convolutional network of the confusion poster (docs/science.md 3.1), adapted to smaller images."""

from collections import OrderedDict

from torch import Tensor, nn

SMALLEST_VALID_SIDE = 26
"""Smallest side at which three convolutions without padding and two pools leave a map of at least 3 x 3."""

SMALLEST_MAP_SIDE = 4
"""On smaller images, a pool is left out if its output would be smaller than this (the last map for 32 x 32)."""


class SmallCNN(nn.Module):
    """Three convolutional blocks, one hidden dense layer, logits.

    As published (122,570 parameters for 32 x 32 x 3 images and 10 classes): 3 x 3 convolutions without padding to
    32, 64 and 64 channels, max-pool 2 after the first two, dense 64, dense n.
    If the shorter side is below 26 pixels, the maps would become too small. Then the convolutions use padding (the
    output has the size of the input), and a pool whose output would be smaller than 4 pixels is left out.

    A hook on `conv1` … `dense1` gets the output of the block, after ReLU; `conv1.conv` is the convolution alone.
    The pools come before ReLU: the values are the same, and ReLU has a quarter of the work.
    """

    def __init__(
        self, in_channels: int, image_size: tuple[int, int], n_classes: int, width: int = 32, hidden: int = 64
    ) -> None:
        super().__init__()
        padding = 0 if min(image_size) >= SMALLEST_VALID_SIDE else 1
        channels = [in_channels, width, 2 * width, 2 * width]
        size = image_size
        for index, wants_pool in enumerate([True, True, False]):
            size = (size[0] - 2 + 2 * padding, size[1] - 2 + 2 * padding)
            pool = wants_pool and (padding == 0 or min(size) // 2 >= SMALLEST_MAP_SIDE)
            if pool:
                size = (size[0] // 2, size[1] // 2)
            conv = nn.Conv2d(channels[index], channels[index + 1], kernel_size=3, padding=padding)
            self.add_module(f"conv{index + 1}", _block("conv", conv, pool))
        self.flatten = nn.Flatten()
        self.dense1 = _block("linear", nn.Linear(channels[-1] * size[0] * size[1], hidden), pool=False)
        self.logits = nn.Linear(hidden, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (n, n_classes) of images (n, in_channels, y, x) float32."""
        for layer in self.children():
            images = layer(images)
        return images


def _block(name: str, weighted: nn.Module, pool: bool) -> nn.Sequential:
    layers = [(name, weighted)]
    if pool:
        layers.append(("pool", nn.MaxPool2d(2)))
    layers.append(("relu", nn.ReLU()))
    return nn.Sequential(OrderedDict(layers))
