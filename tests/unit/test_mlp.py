"""The perceptron: on rows, on layers of an encoder, on images."""

import torch
from torch.nn import functional

from workflow_lib.models.mlp import mlp
from workflow_lib.models.normalization import wrap
from workflow_lib.training.replicates.chain import chain


def test_a_linear_classifier_of_rows():
    network = mlp(1, (1, 3), 2, hidden=0)
    rows = torch.arange(6.0).reshape(2, 1, 1, 3)
    head = network.logits
    torch.testing.assert_close(network(rows), functional.linear(rows.flatten(1), head.weight, head.bias))
    assert [name for name, _ in network.named_children()] == ["input", "logits"]


def test_of_several_layers_the_last_one_is_used_and_each_can_be_seen():
    network, seen = mlp(3, (1, 4), 2, hidden=5), {}
    for name, module in network.named_modules():
        module.register_forward_hook(lambda module, given, output, name=name: seen.setdefault(name, output))
    rows = torch.rand(2, 3, 1, 4)
    network(rows)
    for number in range(3):
        torch.testing.assert_close(seen[f"input.layer{number + 1}"], rows[:, number, 0])
    torch.testing.assert_close(seen["input"], rows[:, 2, 0])
    assert seen["hidden"].shape == (2, 5)
    assert (seen["hidden"] >= 0).all()


def test_images_are_flattened():
    assert mlp(3, (4, 5), 2)(torch.rand(2, 3, 4, 5)).shape == (2, 2)


def test_many_perceptrons_of_rows_can_be_trained_as_one():
    assert chain(wrap(mlp(1, (1, 3), 2), 1, None)) is not None
    assert chain(wrap(mlp(2, (1, 3), 2), 2, None)) is None
