import copy

import pytest
import torch
from torch import nn

from workflow_lib.training.replay import WARM_UP, Replayed, replayed

gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def twice(values):
    return 2 * values


class Foreign(nn.Module):
    """A module of a user."""


def test_on_a_cpu_and_for_modules_of_users_the_function_stays_as_it_is():
    assert replayed(twice, nn.Linear(2, 2), "cpu") is twice
    assert replayed(twice, nn.Sequential(nn.Linear(2, 2), Foreign()), "cuda") is twice
    watched = nn.Linear(2, 2)
    watched.register_forward_hook(lambda *_: None)
    assert replayed(twice, watched, "cuda") is twice


@gpu
def test_cuda_replays_for_each_shape():
    calls = []
    double = Replayed(lambda values: calls.append(1) or twice(values))
    for size in (3, 4, 3, 5, 3):
        for number in range(WARM_UP + 3):
            values = torch.full((size,), float(number), device="cuda")
            assert torch.equal(double(values), twice(values))
    assert len(calls) < 5 * (WARM_UP + 3)


@gpu
def test_cuda_trains_to_the_same_bytes():
    network = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 3)).cuda()
    ends = []
    for wrap in (lambda function: function, Replayed):
        trained = copy.deepcopy(network)
        parameters = list(trained.parameters())
        optimizer = torch.optim.SGD(parameters, 0.1)

        def learn(values, trained=trained, parameters=parameters, optimizer=optimizer):
            optimizer.zero_grad()
            trained(values).square().mean().backward()
            return [parameter.grad for parameter in parameters]

        step = wrap(learn)
        torch.manual_seed(0)
        for _ in range(WARM_UP + 5):
            for parameter, gradient in zip(parameters, step(torch.randn(16, 8, device="cuda")), strict=True):
                parameter.grad = gradient
            optimizer.step()
        ends.append(torch.cat([value.flatten().double() for value in trained.state_dict().values()]))
    assert torch.equal(*ends)


@gpu
def test_cuda_goes_on_without_what_cannot_be_recorded(capsys):
    waits = Replayed(lambda values: values * values.sum().item())
    values = torch.arange(3.0, device="cuda")
    for _ in range(WARM_UP + 3):
        assert torch.equal(waits(values), values * 3)
    assert "not recorded, so slower" in capsys.readouterr().err
