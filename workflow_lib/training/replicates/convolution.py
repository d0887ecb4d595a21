"""Convolutions of all runs of a stack, on maps (b, runs * inputs, y, x), channels last in memory."""

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad


def grouped(maps: Tensor, weight: Tensor, bias: Tensor | None, like: nn.Conv2d) -> Tensor:
    """One grouped convolution, with a group of channels per run: fastest on a CPU.

    Args:
        maps: (b, runs * inputs, y, x).
        weight: (runs, outputs, y, x, inputs).
        bias: (runs, outputs).
        like: the layer of one run, which sets stride, padding and dilation.

    Returns:
        (b, runs * outputs, y, x).
    """
    joined = weight.flatten(0, 1).permute(0, 3, 1, 2)
    biases = None if bias is None else bias.flatten()
    return conv2d(maps, joined, biases, like.stride, like.padding, like.dilation, len(weight))


def by_products(maps: Tensor, weight: Tensor, bias: Tensor | None, like: nn.Conv2d) -> Tensor:
    """The same with one matrix product per run, because many groups are slow on GPUs (PyTorch issues 70954, 73764)."""
    runs, outputs, *kernel, inputs = weight.shape
    windows = pad(maps, like._reversed_padding_repeated_twice)
    for axis in (0, 1):
        reach = like.dilation[axis] * (kernel[axis] - 1) + 1
        windows = windows.unfold(2 + axis, reach, like.stride[axis])
    windows = windows[..., :: like.dilation[0], :: like.dilation[1]]  # (b, runs * inputs, y, x, *kernel)
    count, _, height, width = windows.shape[:4]
    rows = windows.reshape(count, runs, inputs, height, width, *kernel).permute(1, 0, 3, 4, 5, 6, 2)
    rows = rows.reshape(runs, count * height * width, -1)
    columns = weight.flatten(2).transpose(1, 2)
    found = torch.bmm(rows, columns) if bias is None else torch.baddbmm(bias[:, None], rows, columns)
    found = found.view(runs, count, height, width, outputs).permute(1, 0, 4, 2, 3).flatten(1, 2)
    return found.contiguous(memory_format=torch.channels_last)
