import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from workflow_lib import seeds
from workflow_lib.attacks import Attack, pgd, sizes
from workflow_lib.errors import UserError
from workflow_lib.features.attacks import apply_pgd
from workflow_lib.models.normalization import wrap

COUNT, SHAPE, CLASSES = 70, (3, 8, 8), 4
IDS = [f"image-{number}" for number in range(COUNT)]
IMAGES = np.random.default_rng(0).random((COUNT, *SHAPE), dtype=np.float32)
LABELS = np.arange(COUNT) % CLASSES
NORMALIZE = {"mean": [0.4, 0.5, 0.6], "std": [0.1, 0.2, 0.3]}


@pytest.fixture(scope="module")
def network():
    """A small network with batch norm, dropout and a normalisation of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout(0.5)
        )
        return wrap(nn.Sequential(*layers, nn.Linear(128, CLASSES)), 3, NORMALIZE).eval()


def spec(**changes):
    keys = {"kind": "pgd", "norm": "linf", "epsilon": 8 / 255, "step": 2 / 255, "steps": 5, "random_start": True}
    return keys | {"restarts": 1, "target": "prediction", "seed": 0} | changes


NORMS = {"linf": spec(), "l2": spec(norm="l2", epsilon=0.5, step=0.1)}


def attacked(network, rows=slice(None), **changes):
    ids = np.array(IDS)[rows].tolist()
    return apply_pgd(IMAGES[rows], ids, LABELS[rows], spec(**changes), network, "cpu")


def reference(network, image, start, label, *, norm, epsilon, step, steps):
    """One image (c, y, x), as the definition reads; the normalisation is written out."""
    mean, std = (torch.tensor(NORMALIZE[key])[:, None, None] for key in ("mean", "std"))
    x = (image + start).clamp(0, 1)
    for _ in range(steps):
        x = x.clone().requires_grad_()
        logits = network.network(((x - mean) / std)[None])[0]
        (torch.logsumexp(logits, 0) - logits[label]).backward()
        with torch.no_grad():
            if norm == "linf":
                x = x + step * torch.sign(x.grad)
                x = torch.minimum(torch.maximum(x, image - epsilon), image + epsilon)
            else:
                x = x + step * x.grad / x.grad.norm()
                length = (x - image).norm()
                x = image + (x - image) * (epsilon / length if length > epsilon else 1)
            x = x.clamp(0, 1)
    return x.detach()


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("steps", range(1, 6))
def test_every_step_equals_the_reference(network, norm, steps):
    chosen = {key: NORMS[norm][key] for key in ("norm", "epsilon", "step")} | {"steps": steps}
    attack = Attack(**chosen, random_start=True)
    images = torch.from_numpy(IMAGES[:6])
    starts = torch.stack([attack.start(SHAPE, seeds.generator(0, name, "pgd", 0)) for name in IDS[:6]])
    labels = network(images).argmax(1)
    found = pgd(network, images, labels, attack, starts)
    expected = [reference(network, *row, **chosen) for row in zip(images, starts, labels, strict=True)]
    # A sign can turn where the gradient is rounded to nearly nothing.
    differs = (found - torch.stack(expected)).abs() > 1e-5
    assert differs.float().mean() < 1e-3, f"{differs.sum()} pixels differ"
    whole = attacked(network, slice(6), **NORMS[norm] | {"steps": steps})
    torch.testing.assert_close(torch.from_numpy(whole.images), found, rtol=0, atol=1e-6)


def test_by_hand():
    """Logits (x, -x) of one pixel: moving from class 0, each step lowers x by one step, until epsilon or 0."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False))
    network[1].weight.data = torch.tensor([[1.0], [-1.0]])
    images = torch.tensor([0.5, 0.05, 0.9]).reshape(3, 1, 1, 1)
    for norm in ("linf", "l2"):
        two = pgd(network, images, torch.zeros(3, dtype=torch.int64), Attack(norm, 0.1, 0.04, 2, False), images * 0)
        five = pgd(network, images, torch.zeros(3, dtype=torch.int64), Attack(norm, 0.1, 0.04, 5, False), images * 0)
        torch.testing.assert_close(two.flatten(), torch.tensor([0.42, 0.0, 0.82]))
        torch.testing.assert_close(five.flatten(), torch.tensor([0.4, 0.0, 0.8]))


@pytest.mark.parametrize("norm", NORMS)
def test_a_confident_network_has_small_gradients_that_still_lead(norm):
    """Logits (50 x, -50 x): the probability of the other class, and with it the gradient, is about exp(-70)."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False))
    network[1].weight.data = torch.tensor([[50.0], [-50.0]])
    images, labels = torch.full((1, 1, 1, 1), 0.7), torch.zeros(1, dtype=torch.int64)
    found = pgd(network, images, labels, Attack(norm, 0.1, 0.1, 1, False), images * 0)
    torch.testing.assert_close(found.item(), 0.6)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("random_start", [True, False])
def test_the_change_stays_in_the_ball_and_is_told(network, norm, random_start):
    settings = NORMS[norm] | {"random_start": random_start, "steps": 20}
    found = attacked(network, **settings)
    change = (found.images - IMAGES).reshape(COUNT, -1)
    norms = np.abs(change).max(1) if norm == "linf" else np.linalg.norm(change, axis=1)
    assert (found.images.shape, found.images.dtype) == (IMAGES.shape, np.float32)
    assert 0 <= found.images.min() < found.images.max() <= 1
    assert norms.max() <= settings["epsilon"] + 1e-6
    assert norms.max() > 0.99 * settings["epsilon"]
    np.testing.assert_allclose(found.values["attack_norm"], norms, atol=1e-6)
    with torch.no_grad():
        before, after = network(torch.from_numpy(IMAGES)), network(torch.from_numpy(found.images))
    loss = cross_entropy(after, before.argmax(1), reduction="none")
    np.testing.assert_allclose(found.values["attack_loss"], loss, atol=1e-4)
    np.testing.assert_array_equal(found.values["attack_success"], (after.argmax(1) != before.argmax(1)))
    assert found.values["attack_success"].mean() > 0.5
    assert {name: values.dtype for name, values in found.values.items()} == {
        "attack_success": np.bool_,
        "attack_loss": np.float32,
        "attack_norm": np.float32,
    }


def test_a_tiny_epsilon_fools_nobody(network):
    found = attacked(network, epsilon=1e-6, step=1e-6)
    assert not found.values["attack_success"].any()
    np.testing.assert_allclose(found.images, IMAGES, atol=2e-6)


@pytest.mark.parametrize("norm", NORMS)
def test_a_sample_is_attacked_alike_in_any_batch(network, norm):
    settings = NORMS[norm] | {"restarts": 2}
    whole = attacked(network, **settings)
    for rows in ([5], [69, 0, 33], list(range(69, 39, -1))):
        part = attacked(network, rows, **settings)
        np.testing.assert_array_equal(part.images, whole.images[rows])
        for name, values in part.values.items():
            np.testing.assert_array_equal(values, whole.values[name][rows])
    other = attacked(network, **settings | {"seed": 1})
    assert not np.array_equal(other.images, whole.images)
    same = attacked(network, **settings | {"random_start": False, "restarts": 1})
    again = attacked(network, **settings | {"random_start": False, "restarts": 1, "seed": 1})
    np.testing.assert_array_equal(same.images, again.images)


def test_restarts_keep_the_highest_loss(network):
    losses = [attacked(network, epsilon=0.01, restarts=restarts).values["attack_loss"] for restarts in (1, 2, 4)]
    assert (losses[0] <= losses[1]).all()
    assert (losses[1] <= losses[2]).all()
    assert (losses[0] < losses[2]).any()


def test_the_target_is_the_prediction_or_the_label(network):
    with torch.no_grad():
        wrong = network(torch.from_numpy(IMAGES)).argmax(1).numpy() != LABELS
    assert 0 < wrong.sum() < COUNT
    tiny = {"epsilon": 1e-6, "step": 1e-6}
    np.testing.assert_array_equal(attacked(network, target="label", **tiny).values["attack_success"], wrong)
    with pytest.raises(UserError, match="target: prediction"):
        apply_pgd(IMAGES, IDS, None, spec(target="label"), network, "cpu")
    unlabelled = apply_pgd(IMAGES, IDS, None, spec(), network, "cpu")
    np.testing.assert_array_equal(unlabelled.images, attacked(network).images)


def test_a_network_without_gradients_is_refused():
    class Hard(nn.Module):
        def forward(self, images):
            return (images.flatten(1) > 0.5).float()[:, :CLASSES]

    with pytest.raises(UserError, match="architecture\n.*without a gradient"):
        apply_pgd(IMAGES, IDS, LABELS, spec(), Hard(), "cpu")


def test_random_starts_fill_the_ball():
    generator = np.random.default_rng(0)
    square = Attack("linf", 0.1, 0.01, 1, True)
    starts = torch.stack([square.start((1, 5, 5), generator) for _ in range(400)])
    assert starts.abs().max() <= 0.1 + 1e-7
    assert starts.std() == pytest.approx(0.1 / 3**0.5, rel=0.02)
    ball = Attack("l2", 2.0, 0.01, 1, True)
    radius = sizes(torch.stack([ball.start((1, 1, 2), generator) for _ in range(2000)]), "l2")
    assert radius.max() <= 2
    assert (radius < 2**0.5).float().mean() == pytest.approx(0.5, abs=0.04)  # half the area


def test_without_a_step_the_steps_reach_beyond_the_ball():
    keys = spec(epsilon=0.1, steps=5, step=None)
    assert Attack.from_mapping(keys).step == pytest.approx(0.05)


@pytest.mark.parametrize("norm", NORMS)
def test_as_strong_as_a_library(network, norm):
    """Foolbox 3, its own random starts: the same share of successes and mean loss, within the chance of the starts."""
    foolbox = pytest.importorskip("foolbox", reason="foolbox is not installed (pip install foolbox)")
    epsilon, step = NORMS[norm]["epsilon"], NORMS[norm]["step"]
    images, labels = torch.from_numpy(IMAGES), network(torch.from_numpy(IMAGES)).argmax(1)
    kind = foolbox.attacks.LinfPGD if norm == "linf" else foolbox.attacks.L2PGD
    theirs = kind(abs_stepsize=step, steps=20)
    model = foolbox.PyTorchModel(network, bounds=(0, 1), device="cpu")
    _, clipped, success = theirs(model, images, labels, epsilons=epsilon)
    loss = cross_entropy(network(clipped), labels)
    ours = attacked(network, **NORMS[norm] | {"steps": 20})
    assert ours.values["attack_success"].mean() == pytest.approx(success.float().mean().item(), abs=0.03)
    assert ours.values["attack_loss"].mean() == pytest.approx(loss.item(), rel=0.02)
