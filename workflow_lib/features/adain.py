"""Style transfer by adaptive instance normalisation (Huang & Belongie 2017), with trained weights from files.

The layout of the networks is that of the weights `vgg_normalised.pth` and `decoder.pth` of naoto0804/pytorch-AdaIN.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor, nn

from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.models.weights import read_weights

EPSILON = 1e-5
"""Added to variances."""
SMALLEST_SIDE = 9
"""Shortest side of an image for which the encoder's maps can be padded by reflection."""


def encoder() -> nn.Sequential:
    """VGG-19 up to its tenth convolution (relu4_1): images (n, 3, y, x) in [0, 1] to (n, 512, y / 8, x / 8)."""
    stages = ((3, 64, 64), (64, 128, 128), (128, 256, 256, 256, 256), (256, 512))
    pools = [nn.MaxPool2d(2, ceil_mode=True) for _ in stages[1:]]
    return nn.Sequential(nn.Conv2d(3, 3, 1), *_joined(stages, pools))


def decoder() -> nn.Sequential:
    """The mirror image: (n, 512, y, x) to images (n, 3, 8 y, 8 x)."""
    stages = ((512, 256), (256, 256, 256, 256, 128), (128, 128, 64), (64, 64, 3))
    layers = _joined(stages, [nn.UpsamplingNearest2d(scale_factor=2) for _ in stages[1:]])
    return nn.Sequential(*layers[:-1])  # no ReLU after the last convolution


def _joined(stages: Iterable[tuple[int, ...]], between: Sequence[nn.Module]) -> list[nn.Module]:
    """Convolutions with the channels of each stage, and a layer between stages."""
    layers: list[nn.Module] = []
    for channels, join in zip(stages, [*between, None], strict=True):
        for inputs, outputs in pairwise(channels):
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(inputs, outputs, 3), nn.ReLU()]
        layers += [join] if join else []
    return layers


def adain(content: Tensor, style: Tensor) -> Tensor:
    """Content maps (n, c, y, x) with the mean and the standard deviation of the style maps, channel by channel."""
    mean, std = _statistics(content)
    style_mean, style_std = _statistics(style)
    return (content - mean) / std * style_std + style_mean


def _statistics(maps: Tensor) -> tuple[Tensor, Tensor]:
    return maps.mean((2, 3), keepdim=True), (maps.var((2, 3), keepdim=True) + EPSILON).sqrt()


@lru_cache(maxsize=1)
def load(encoder_file: str, decoder_file: str) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder with the weights of two files, in eval mode on the CPU; an encoder file may hold more layers.

    Raises:
        UserError: a file is missing, damaged, or made for other networks.
    """
    parts = (encoder(), decoder())
    for network, file, key in zip(parts, (encoder_file, decoder_file), ("encoder", "decoder"), strict=True):
        weights, expected = read_weights(file, ""), network.state_dict()
        wrong = [name for name in expected if name not in weights or weights[name].shape != expected[name].shape]
        if wrong:
            allowed = f"these weights do not fit the {key} of pytorch-AdaIN, such as {listed(wrong, 4)}"
            repair = "name vgg_normalised.pth as encoder and decoder.pth as decoder"
            raise UserError(Problem(f"transforms.weights.{key}", file, allowed, repair))
        network.load_state_dict({name: weights[name] for name in expected})
        network.eval()
    return parts


def restyle(
    images: Tensor, styles: Tensor, amount: float, networks: tuple[nn.Module, nn.Module], device: str
) -> Tensor:
    """Images (n, 3, y, x) in [0, 1] in the style of as many others, on the CPU.

    Args:
        images: float32, with sides of `SMALLEST_SIDE` pixels or more.
        styles: of the same shape.
        amount: share of the style in the encoded image, in (0, 1].
        networks: encoder and decoder.
        device: "cpu" or "cuda".

    Raises:
        UserError: the images are too small.
    """
    if min(images.shape[2:]) < SMALLEST_SIDE:
        allowed = f"with weights, images must have sides of {SMALLEST_SIDE} pixels or more"
        size = f"{images.shape[2]} x {images.shape[3]} pixels"
        raise UserError(Problem("transforms.weights", size, allowed, "stylise without weights"))
    encode, decode = (network.to(device) for network in networks)
    with torch.inference_mode():
        content = encode(images.to(device))
        changed = torch.lerp(content, adain(content, encode(styles.to(device))), amount)
        decoded: Tensor = decode(changed)[:, :, : images.shape[2], : images.shape[3]].clamp(0, 1).cpu()
    return decoded
