import math

import numpy as np
import pytest
import torch
from torch import nn

from workflow_lib import seeds
from workflow_lib.attacks import Attack, pgd
from workflow_lib.errors import UserError
from workflow_lib.io import checkpoints
from workflow_lib.training.augmentation import Augmentation, augment, draw
from workflow_lib.training.images import memory_format
from workflow_lib.training.loop import State, train
from workflow_lib.training.optimisation import Settings, learning_rate, make_optimizer, restore_optimizer

pytestmark = pytest.mark.usefixtures("one_thread")

EPOCHS = 4
SETTINGS = {
    "sgd": Settings(EPOCHS, 16, 0.05, "sgd", momentum=0.9, nesterov=True, weight_decay=1e-3, schedule="cosine"),
    "adam": Settings(
        EPOCHS, 16, 0.01, "adam", schedule="onecycle", augmentation=Augmentation(flip=True, crop_padding=1)
    ),
    "adamw": Settings(EPOCHS, 16, 0.01, "adamw", weight_decay=0.1, label_smoothing=0.1),
    "adversarial": Settings(
        EPOCHS, 16, 0.01, augmentation=Augmentation(crop_padding=1), adversarial=Attack("linf", 0.1, 0.05, 3, True)
    ),
    "bfloat16": Settings(EPOCHS, 16, 0.05, "sgd", momentum=0.9, precision="bfloat16"),
}


def data(side=8, count=90):
    """Noisy images of three classes: a bright row at the top, in the middle or at the bottom."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = rng.random((count, 2, side, side), dtype=np.float32) * np.float32(0.5)
    images[np.arange(count), :, labels * (side // 3)] += np.float32(0.5)
    return images, labels


def network(side=8):
    """Batch norm, dropout and convolutions: all that carries state, randomness or a memory layout."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(2, 4, 3, padding=1),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Dropout(0.3),
            nn.Flatten(),
            nn.Linear(4 * (side // 2) ** 2, 3),
        )


def run(settings, side=8, stop=EPOCHS, lineage=("model", 0), **more):
    return train(network(side), *data(side), settings, lineage=lineage, stop_epoch=stop, **more)


def stored(state, path):
    """The state through a file, as the next job sees it."""
    checkpoints.save(vars(state), path)
    return State(**checkpoints.load(path))


def as_bytes(state, path):
    checkpoints.save(vars(state), path)
    return path.read_bytes()


class KilledError(Exception):
    pass


def killed_after(batches, path):
    """A `save_state` that keeps every state and stops the training after so many of them."""
    calls = iter(range(1, batches + 1))

    def save(state):
        checkpoints.save(vars(state), path)
        if next(calls) == batches:
            raise KilledError

    return save


CASES = [(name, 8) for name in SETTINGS] + [
    (name, 16) for name in ("sgd", "adam", "bfloat16")
]  # from 16 pixels on, channels last


@pytest.mark.parametrize(("name", "side"), CASES)
def test_a_chain_of_intervals_ends_with_the_bytes_of_one_training(tmp_path, name, side):
    settings = SETTINGS[name]
    whole = as_bytes(run(settings, side), tmp_path / "whole.pt")
    state = None
    for stop in (1, 3, EPOCHS):
        torch.manual_seed(stop)  # what happened before in the process must not matter
        state = stored(run(settings, side, stop=stop, state=state), tmp_path / "part.pt")
    assert as_bytes(state, tmp_path / "chain.pt") == whole


@pytest.mark.parametrize(("name", "side"), CASES)
@pytest.mark.parametrize("batches", [3, 6, 9])  # an epoch has six
def test_a_kill_changes_nothing(tmp_path, name, side, batches):
    settings, kept = SETTINGS[name], tmp_path / "kept.pt"
    whole = as_bytes(run(settings, side), tmp_path / "whole.pt")
    with pytest.raises(KilledError):
        run(settings, side, save_state=killed_after(batches, kept), save_every=0)
    left = State(**checkpoints.load(kept))
    assert (left.epoch, left.step) == divmod(batches, 6)
    torch.manual_seed(99)
    assert as_bytes(run(settings, side, state=left), tmp_path / "resumed.pt") == whole


def test_the_random_state_inside_an_epoch_matters(tmp_path):
    kept = tmp_path / "kept.pt"
    whole = as_bytes(run(SETTINGS["sgd"]), tmp_path / "whole.pt")
    with pytest.raises(KilledError):
        run(SETTINGS["sgd"], save_state=killed_after(3, kept), save_every=0)
    left = State(**checkpoints.load(kept))
    left.random["cpu"] = torch.Generator().manual_seed(1).get_state()
    assert as_bytes(run(SETTINGS["sgd"], state=left), tmp_path / "resumed.pt") != whole


def test_the_lineage_decides_the_order(tmp_path):
    one, same, other = (
        as_bytes(run(SETTINGS["sgd"], stop=1, lineage=("model", seed)), tmp_path / "state.pt") for seed in (0, 0, 1)
    )
    assert one == same
    assert one != other


def test_the_global_generator_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    run(SETTINGS["adam"], stop=1)
    assert torch.equal(torch.get_rng_state(), before)


def test_whole_epochs_hold_no_random_state():
    state = run(SETTINGS["sgd"], stop=2)
    assert (state.epoch, state.step, state.random, state.sums) == (2, 0, {}, [0, 0, 0])


def test_one_step_of_gradient_descent_by_hand():
    images, labels = data(count=6)
    model = nn.Sequential(nn.Flatten(), nn.Linear(128, 3))
    weight, bias = (parameter.detach().double().numpy().copy() for parameter in model.parameters())
    train(model, images, labels, Settings(1, 6, 0.5, "sgd"), lineage=("m", 0), stop_epoch=1)
    flat = images.reshape(6, -1).astype(np.float64)
    logits = flat @ weight.T + bias
    gradient = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    gradient[np.arange(6), labels] -= 1
    np.testing.assert_allclose(model[1].weight.detach(), weight - 0.5 * gradient.T @ flat / 6, atol=1e-6)
    np.testing.assert_allclose(model[1].bias.detach(), bias - 0.5 * gradient.mean(0), atol=1e-6)


def test_adversarial_training_steps_on_the_attacked_batch():
    """One batch by hand: the images attacked in eval mode, from the start that its name gives, then the usual step."""
    images, labels = data(count=6)
    attack = Attack("linf", 0.1, 0.05, 3, True)
    model, twin = network(), network()
    settings = Settings(1, 6, 0.5, "sgd", adversarial=attack)
    train(model, images, labels, settings, lineage=("m", 0), stop_epoch=1)
    order = seeds.generator("m", 0, "order", 0).permutation(6)
    generator = seeds.generator("m", 0, "attack", 0, 0)
    starts = torch.stack([attack.start(images.shape[1:], generator) for _ in range(6)])
    batch, targets = torch.from_numpy(images[order]), torch.from_numpy(labels[order])
    attacked = pgd(twin.eval(), batch, targets, attack, starts)
    assert (attacked - batch).abs().max() == pytest.approx(0.1, abs=1e-6)
    optimizer = torch.optim.SGD(twin.parameters(), 0.5)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seeds.derive("m", 0, "torch", 0))
        torch.nn.functional.cross_entropy(twin.train()(attacked), targets).backward()
    optimizer.step()
    for name, value in twin.state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value, rtol=0, atol=1e-6)


def test_adversarial_training_makes_a_network_robust():
    images, labels = data()
    attack = Attack("linf", 0.2, 0.07, 5, False)
    shown, targets = torch.from_numpy(images), torch.from_numpy(labels)

    def robust(adversarial):
        model = network()
        settings = Settings(20, 16, 0.01, adversarial=adversarial)
        train(model, images, labels, settings, lineage=("m", 0), stop_epoch=20)
        attacked = pgd(model.eval(), shown, targets, attack, torch.zeros_like(shown))
        return (model(attacked).argmax(1) == targets).float().mean()

    assert robust(attack) > 0.8 > 0.3 > robust(None)


def test_it_learns_and_the_curve_says_so():
    images, labels = data()
    model = network()
    settings = Settings(20, 16, 0.01)
    state = train(model, images, labels, settings, lineage=("m", 0), stop_epoch=20)
    right = (model.eval()(torch.from_numpy(images)).argmax(1).numpy() == labels).mean()
    untrained = (network().eval()(torch.from_numpy(images)).argmax(1).numpy() == labels).mean()
    assert right > 0.95 > 0.7 > untrained
    assert [row["epoch"] for row in state.curve] == list(range(1, 21))
    assert set(state.curve[0]) == {"epoch", "lr", "train_loss", "train_accuracy"}
    assert state.curve[-1]["train_loss"] < state.curve[0]["train_loss"] / 2
    assert state.curve[-1]["train_accuracy"] > state.curve[0]["train_accuracy"]


def test_bytes_and_floats_of_the_same_images_train_alike():
    images, labels = data()
    as_uint8 = (images * 255).round().astype(np.uint8)
    as_float = as_uint8.astype(np.float32) / np.float32(255)
    states = [
        train(network(), array, labels, SETTINGS["sgd"], lineage=("m", 0), stop_epoch=1)
        for array in (as_uint8, as_float)
    ]
    assert all(torch.equal(value, states[1].network[name]) for name, value in states[0].network.items())


class Spy(nn.Module):
    """Keeps the images that it is trained on."""

    def __init__(self, pixels):
        super().__init__()
        self.linear = nn.Linear(pixels, 2)
        self.seen = []

    def forward(self, images):
        self.seen.append(images.tolist())
        return self.linear(images.flatten(1))


def test_an_epoch_meets_every_sample_once_in_even_batches():
    spy = Spy(1)
    images = (np.arange(33, dtype=np.float32) / 33).reshape(33, 1, 1, 1)
    train(spy, images, np.arange(33) % 2, Settings(2, 16, 0.1), lineage=("m", 0), stop_epoch=2)
    seen = [np.ravel(batch).tolist() for batch in spy.seen]
    assert [len(batch) for batch in seen] == [11, 11, 11] * 2
    first, second = [*seen[0], *seen[1], *seen[2]], [*seen[3], *seen[4], *seen[5]]
    assert sorted(first) == sorted(second) == images.ravel().tolist()
    assert first != second


def test_each_batch_of_each_epoch_has_its_own_augmentation():
    spy = Spy(2)
    images = np.tile(np.array([0, 1], dtype=np.float32), (32, 1, 1, 1))
    settings = Settings(2, 16, 0.1, augmentation=Augmentation(flip=True))
    train(spy, images, np.arange(32) % 2, settings, lineage=("m", 0), stop_epoch=2)
    flips = [tuple(np.array(batch)[:, 0, 0, 0] == 1) for batch in spy.seen]
    assert len(set(flips)) == 4
    assert all(2 < sum(batch) < 14 for batch in flips)


def test_a_loss_that_is_not_finite_names_epoch_and_learning_rate():
    with pytest.raises(UserError, match=r"no longer finite in epoch 1, at learning rate 1e\+30"):
        run(Settings(EPOCHS, 16, 1e30, "sgd"))


def test_a_network_with_several_outputs_is_refused():
    class Two(nn.Linear):
        def forward(self, images):
            return super().forward(images.flatten(1)), None

    with pytest.raises(UserError, match="one tensor of logits"):
        train(Two(128, 3), *data(), SETTINGS["sgd"], lineage=("m", 0), stop_epoch=1)


def test_schedules_by_hand():
    def rates(schedule, total=10):
        settings = Settings(1, 1, 2.0, schedule=schedule)
        return [learning_rate(settings, step, total) for step in range(total)]

    assert rates("constant") == [2.0] * 10
    np.testing.assert_allclose(rates("cosine"), [1 + math.cos(math.pi * step / 10) for step in range(10)])
    falling = [1 + math.cos(math.pi * step / 7) for step in range(7)]
    np.testing.assert_allclose(rates("onecycle"), [2 / 3, 4 / 3, 2.0, *falling])


@pytest.mark.parametrize("name", SETTINGS)
def test_restored_moments_have_the_layout_of_their_weights(name):
    model = network().to(memory_format=torch.channels_last)
    optimizer = make_optimizer(SETTINGS[name], model)
    model(torch.rand(4, 2, 8, 8)).sum().backward()
    optimizer.step()
    restored = make_optimizer(SETTINGS[name], model)
    restore_optimizer(restored, checkpoints.canonical(optimizer.state_dict()))
    for parameter in model.parameters():
        for key, value in optimizer.state[parameter].items():
            assert restored.state[parameter][key].stride() == value.stride()
            assert torch.equal(restored.state[parameter][key], value)


def test_settings_from_plain_values():
    plain = {"epochs": 4, "batch_size": 16, "lr": 0.01, "schedule": "onecycle"}
    settings = Settings.from_mapping({**plain, "augmentation": {"flip": True, "crop_padding": 1}})
    assert settings == SETTINGS["adam"]
    assert Settings.from_mapping(plain).augmentation == Augmentation()


def test_memory_layout():
    assert memory_format(nn.Conv2d(1, 1, 3), (9, 1, 8, 8)) == torch.contiguous_format
    assert memory_format(nn.Conv2d(1, 1, 3), (9, 1, 16, 16)) == torch.channels_last
    assert memory_format(nn.Conv3d(1, 1, 3), (9, 1, 16, 16)) == torch.contiguous_format
    assert memory_format(nn.Conv2d(1, 1, 3), (9, 1, 8, 8), tensor_cores=True) == torch.channels_last
    assert memory_format(nn.Conv3d(1, 1, 3), (9, 1, 8, 8), tensor_cores=True) == torch.contiguous_format


def test_augmentation_by_hand():
    images = torch.rand(40, 2, 5, 4)
    kind = Augmentation(flip=True, crop_padding=2)
    draws = draw(kind, 60, seeds.generator("augmentation"), "cpu")
    changed = augment(images, kind, draws, start=20)
    for row in range(40):
        image = images[row].flip(-1) if draws.flips[20 + row] else images[row]
        padded = torch.zeros(2, 9, 8)
        padded[:, 2:7, 2:6] = image
        y, x = draws.offsets[20 + row]
        assert torch.equal(changed[row], padded[:, y : y + 5, x : x + 4])
    assert 5 < draws.flips[20:].sum() < 35
    assert set(draws.offsets.flatten().tolist()) == {0, 1, 2, 3, 4}


def test_no_augmentation_changes_nothing():
    images = torch.rand(3, 1, 4, 4)
    assert torch.equal(augment(images, Augmentation(), draw(Augmentation(), 3, seeds.generator("a"), "cpu"), 0), images)
