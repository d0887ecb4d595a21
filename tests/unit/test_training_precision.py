from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from test_training import SETTINGS, as_bytes, run
from torch import nn
from torch.nn.functional import cross_entropy

from workflow_lib import seeds
from workflow_lib.attacks import Attack
from workflow_lib.models.registry import build
from workflow_lib.training.loop import train
from workflow_lib.training.optimisation import Settings
from workflow_lib.training.precision import autocast, tensor_cores

ATTACK = Attack("linf", 0.1, 0.05, 2, True)
SMALL = {"width": 8, "hidden": 32}


class Spy(nn.Module):
    """A linear layer that keeps how it is computed, forward and backward, in training and under attack."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 2)
        self.forward_passes, self.backward_passes = set(), set()

    def forward(self, images):
        logits = self.linear(images.flatten(1))
        self.forward_passes.add((self.training, logits.dtype, allowed()))
        if logits.requires_grad:
            logits.register_hook(lambda gradient: self.backward_passes.add((gradient.dtype, allowed())))
        return logits


def allowed():
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


@pytest.fixture
def images():
    return np.random.default_rng(0).random((12, 1, 4, 4), dtype=np.float32), np.arange(12) % 2


@pytest.mark.parametrize(
    ("precision", "dtype", "tf32"),
    [("float32", torch.float32, False), ("tf32", torch.float32, True), ("bfloat16", torch.bfloat16, False)],
)
def test_all_passes_of_a_training_have_its_precision_and_the_process_keeps_its_own(images, precision, dtype, tf32):
    spy, before = Spy(), allowed()
    settings = Settings(1, 4, 0.1, momentum=0.9, optimizer="sgd", adversarial=ATTACK, precision=precision)
    state = train(spy, *images, settings, lineage=("spy",), stop_epoch=1)
    assert spy.forward_passes == {(training, dtype, (tf32, tf32)) for training in (True, False)}
    assert spy.backward_passes == {(dtype, (tf32, tf32))}
    assert allowed() == before
    moments = [moment["momentum_buffer"] for moment in state.optimizer["state"].values()]
    assert {value.dtype for value in (*state.network.values(), *moments)} == {torch.float32}


def test_the_process_keeps_its_precision_after_an_error():
    before = allowed()
    with pytest.raises(ZeroDivisionError), tensor_cores("tf32"):
        1 / 0  # noqa: B018
    assert allowed() == before


def test_a_step_in_bfloat16_is_that_of_a_plain_loop_with_a_loss_in_float32(images):
    spy, plain = Spy(), Spy()
    plain.load_state_dict(spy.state_dict())
    train(spy, *images, Settings(1, 12, 0.5, "sgd", precision="bfloat16"), lineage=("m",), stop_epoch=1)
    order = seeds.generator("m", "order", 0).permutation(12)
    batch, labels = (torch.from_numpy(array[order]) for array in images)
    with torch.autocast("cpu", torch.bfloat16):
        logits = plain(batch)
    cross_entropy(logits.float(), labels).backward()
    torch.optim.SGD(plain.parameters(), 0.5).step()
    for found, expected in zip(spy.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-7)


def test_on_a_cpu_tf32_is_float32_and_bfloat16_is_not(images):
    weights = {}
    for precision in ("float32", "tf32", "bfloat16"):
        torch.manual_seed(0)
        spy = Spy()
        train(spy, *images, Settings(2, 4, 0.1, "sgd", precision=precision), lineage=("m",), stop_epoch=2)
        weights[precision] = spy.linear.weight.detach()
    assert torch.equal(weights["float32"], weights["tf32"])
    assert 0 < (weights["float32"] - weights["bfloat16"]).abs().max() < 0.01


def test_weights_are_not_remembered_from_one_pass_to_the_next():
    layer, one = nn.Linear(1, 1), torch.ones(1, 1)
    for value in (1.0, 2.0):
        nn.init.constant_(layer.weight, value)
        nn.init.zeros_(layer.bias)
        with autocast("bfloat16", "cpu"):
            assert layer(one).item() == value


class AllInBfloat16(nn.Module):
    """The network with its weights in bfloat16, too, so that small steps are lost."""

    def __init__(self, network):
        super().__init__()
        self.network = network.bfloat16()

    def forward(self, images):
        return self.network(images.bfloat16())


def accuracies(lr, precision="float32", wrapped=nn.Sequential):
    """Test accuracy on the digits after a short training, for three seeds."""
    images, labels = load_digits(return_X_y=True)
    images, found = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8), []
    for seed in range(3):
        network = wrapped(build("small_cnn", in_channels=1, image_size=(8, 8), n_classes=10, options=SMALL, seed=seed))
        settings = Settings(8, 32, lr, precision=precision)
        train(network, images[:1200], labels[:1200], settings, lineage=("digits", seed), stop_epoch=8)
        with torch.no_grad():
            predicted = network.eval()(torch.from_numpy(images[1200:])).argmax(1).numpy()
        found.append((predicted == labels[1200:]).mean())
    return np.array(found)


def test_the_accuracy_on_digits_does_not_suffer():
    expected = accuracies(0.002)
    assert expected.mean() > 0.85
    assert abs(accuracies(0.002, "bfloat16").mean() - expected.mean()) < noise(expected)


def test_weights_stay_in_float32_because_accuracy_would_suffer():
    expected = accuracies(0.0002)
    assert abs(accuracies(0.0002, "bfloat16").mean() - expected.mean()) < noise(expected)
    assert accuracies(0.0002, wrapped=AllInBfloat16).mean() < expected.mean() - 3 * noise(expected)


def noise(values):
    """Standard error of the mean over seeds."""
    return values.std(ddof=1) / len(values) ** 0.5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.filterwarnings("ignore:.*deterministic")
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16"])
def test_on_a_gpu_equal_trainings_end_with_equal_bytes(precision, tmp_path):
    settings = replace(SETTINGS["sgd"], augmentation=SETTINGS["adam"].augmentation, precision=precision)
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        one, same = (as_bytes(run(settings, side=16, device="cuda"), tmp_path / "state.pt") for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(False)
    assert one == same
