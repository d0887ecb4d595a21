"""Convolutions of many networks by kernels: like those of PyTorch, one network after another."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import torch
from torch import nn

from workflow_lib.training.replicates import fused
from workflow_lib.training.replicates.fused import Fused, layout_on_gpu
from workflow_lib.training.replicates.layouts import Separate

CASES = {
    # runs, images, side, a convolution and what follows it
    "as published": (2, 3, 8, [nn.Conv2d(3, 5, 3), nn.MaxPool2d(2), nn.ReLU()]),
    "padded, ReLU first": (2, 3, 9, [nn.Conv2d(16, 20, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]),
    "many outputs, no bias": (3, 2, 6, [nn.Conv2d(32, 70, (3, 2), stride=2, padding=1, bias=False), nn.ReLU()]),
    "many inputs": (2, 2, 5, [nn.Conv2d(72, 4, 3)]),
    "dilated": (1, 5, 9, [nn.Conv2d(5, 3, 2, dilation=2)]),
    "of two directions": (2, 4, 9, [nn.Conv2d(4, 3, (2, 3), (2, 1), (0, 2), (1, 2)), nn.MaxPool2d((2, 2))]),
    "same size": (2, 3, 9, [nn.Conv2d(4, 6, 4, padding="same"), nn.ReLU(), nn.MaxPool2d(3), nn.ReLU()]),
    "pools that overlap": (2, 3, 9, [nn.Conv2d(4, 6, 3), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1), nn.ReLU()]),
    "two pools": (2, 3, 9, [nn.Conv2d(4, 6, 2), nn.MaxPool2d(2), nn.ReLU(), nn.MaxPool2d(2)]),
    "more images than a tile": (1, 70, 4, [nn.Conv2d(3, 3, 3), nn.ReLU()]),
}


def inputs(name, device, dtype=torch.float32):
    """Maps (runs, images, c, y, x), weights (runs, outputs, c, y, x) and biases, and gradients of the outputs."""
    runs, images, side, (conv, *_) = CASES[name]
    generator = torch.Generator().manual_seed(7)
    shapes = [(images, conv.in_channels, side, side + 1), tuple(conv.weight.shape)]
    shapes += [] if conv.bias is None else [tuple(conv.bias.shape)]
    return [torch.randn(runs, *shape, generator=generator).to(device, dtype) for shape in shapes]


def plain(name, maps, weight, bias=None):
    """PyTorch's layers, run by run."""
    conv, *after = CASES[name][3]
    found = []
    for run in range(len(maps)):
        own = {"weight": weight[run], **({} if bias is None else {"bias": bias[run]})}
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using padding='same' with even kernel lengths")
            values = torch.func.functional_call(conv, own, maps[run])
        for layer in after:
            values = layer(values)
        found.append(values)
    return torch.stack(found)


def by_kernels(name, maps, weight, bias=None):
    conv, *after = CASES[name][3]
    stack = maps.flatten(0, 1).permute(0, 2, 3, 1)
    found = Fused(len(maps)).block(stack, weight.permute(0, 1, 3, 4, 2).contiguous(), bias, conv, after)
    return found.permute(0, 3, 1, 2).unflatten(0, maps.shape[:2])


def with_gradients(function, name, values):
    """Outputs, and the gradients of a weighted sum of them by maps, weights and biases."""
    leaves = [value.detach().clone().requires_grad_() for value in values]
    outputs = function(name, *leaves)
    weights = torch.linspace(-1, 1, outputs.numel(), device=outputs.device).view_as(outputs)
    (outputs * weights).sum().backward()
    return [outputs.detach(), *(leaf.grad for leaf in leaves)]


def all_are_equal(device):
    for name in CASES:
        values = inputs(name, device)
        expected, found = (with_gradients(function, name, values) for function in (plain, by_kernels))
        for one, other in zip(expected, found, strict=True):
            torch.testing.assert_close(other, one, rtol=1e-4, atol=1e-4 * float(one.abs().max()), msg=name)
    not_finite(device)
    ties(device)


def not_finite(device):
    """NaN passes through pooling and ReLU, as in PyTorch, so that a run that diverges is seen."""
    maps, weight, bias = inputs("as published", device)
    maps[1, 0, 0, 3, 3] = torch.nan
    one, other = (function("as published", maps, weight, bias).isnan() for function in (plain, by_kernels))
    assert torch.equal(one, other)
    assert one[1].any()
    assert not one[0].any()


def ties(device):
    """Of equal values in a window, the first gets the gradient."""
    maps, weight, bias = inputs("as published", device)
    maps[:] = 1
    one, other = (with_gradients(function, "as published", [maps, weight, bias]) for function in (plain, by_kernels))
    torch.testing.assert_close(other[1], one[1], rtol=1e-4, atol=1e-4)
    assert (one[1] != 0).any()


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU the kernels themselves are tested")
def test_the_kernels_in_tritons_interpreter():
    pytest.importorskip("triton")
    environment = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(["tests/unit", "."])}
    command = [sys.executable, "-c", "import test_fused; test_fused.all_are_equal('cpu')"]
    subprocess.run(command, check=True, env=environment, cwd=Path(__file__).parents[2])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_kernels_on_a_gpu(monkeypatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    all_are_equal("cuda")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", ["many inputs", "dilated", "many outputs, no bias"])
def test_bfloat16_is_rounded_once(name):
    """Sums are float32: outputs are off by no more than their own rounding, 2**-8, and that of the inputs' products."""
    values = [value.to(torch.bfloat16).float() for value in inputs(name, "cuda")]
    expected = with_gradients(plain, name, [value.double() for value in values])

    def half(name, maps, *others):
        return by_kernels(name, maps.to(torch.bfloat16), *others).float()

    for one, other in zip(expected, with_gradients(half, name, values), strict=True):
        assert float((one - other).abs().max() / one.abs().max()) < 0.01


def test_without_kernels_the_layout_is_the_plain_one(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "workflow_lib.training.replicates.convolution_kernels", None)
    fused._kernels.cache_clear()
    try:
        assert [type(layout_on_gpu(3)) for _ in range(2)] == [Separate, Separate]
    finally:
        fused._kernels.cache_clear()
    shown = capsys.readouterr().err
    assert shown.startswith("stacks without kernels, so slower: ModuleNotFoundError: ")
    assert shown.count("\n") == 1
