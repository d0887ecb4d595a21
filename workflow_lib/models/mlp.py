"""A classifier of rows of numbers: a hidden layer, or none."""

from collections import OrderedDict

from torch import Tensor, nn


class Layers(nn.Module):
    """The last of several layers of an encoder; `layer1`, `layer2`, ... give each of them to hooks."""

    def __init__(self, count: int) -> None:
        super().__init__()
        for number in range(1, count + 1):
            self.add_module(f"layer{number}", nn.Identity())

    def forward(self, rows: Tensor) -> Tensor:
        """The last layer (n, features) of (n, layers, 1, features)."""
        last: Tensor = [layer(rows[:, number, 0]) for number, layer in enumerate(self.children())][-1]
        return last


def mlp(in_channels: int, image_size: tuple[int, int], n_classes: int, hidden: int = 64) -> nn.Sequential:
    """A perceptron with one hidden layer after ReLU, or a linear classifier with `hidden` = 0.

    Rows of numbers are images of height 1 whose channels are the layers of an encoder, of which the last one is used.
    All other images are flattened.
    """
    height, width = image_size
    layered = height == 1 and in_channels > 1
    size = width if layered else in_channels * height * width
    parts: OrderedDict[str, nn.Module] = OrderedDict(input=Layers(in_channels) if layered else nn.Flatten())
    if hidden:
        parts["hidden"] = nn.Sequential(OrderedDict(linear=nn.Linear(size, hidden), relu=nn.ReLU()))
    parts["logits"] = nn.Linear(hidden or size, n_classes)
    return nn.Sequential(parts)
