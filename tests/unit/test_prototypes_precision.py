"""Descent in bfloat16: what a pass in float32 decides, against a loop over single images."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from prototypes_cases import CLASSES, OPTIMIZERS, SHAPE, linear, noise, quick, trained
from test_prototypes_descent import cases, descend
from torch.nn.functional import cross_entropy

from workflow_lib.dissimilarity import tensors
from workflow_lib.prototypes import descent as descent_module
from workflow_lib.prototypes.descent import Settings
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.prototypes.matrix import make_matrix

pytestmark = pytest.mark.usefixtures("one_thread")

LR = {"sgd": 0.02, "normalised_sgd": 0.1, "adam": 0.02}
SETTINGS = {name: Settings(name, lr, 40, 0.05, "bfloat16") for name, lr in LR.items()}


@pytest.fixture(params=[1, 4], ids=["each pass", "each fourth pass"])
def looks(request, monkeypatch):
    """How often finished images are looked for, as on a CPU and as on a GPU."""
    monkeypatch.setitem(descent_module.BETWEEN_LOOKS, "cpu", request.param)


def one_by_one(network, start, target, origin, settings):
    """Images, float32 losses and target logits less origin logits after 0, 1, 2, … steps of one image in bfloat16.

    It ends when both precisions say so.
    """
    image, wanted = torch.from_numpy(start[None]).clone().requires_grad_(), torch.tensor([target])
    optimizer = OPTIMIZERS[settings.optimizer]([image], settings.lr)
    images, losses, ahead = [], [], []
    while True:
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(image)[0]
        reduced = cross_entropy(logits.float(), wanted)
        with torch.no_grad():
            logits = network(image)[0]
        images.append(image.detach().clone()[0].numpy())
        losses.append(cross_entropy(logits, wanted).item())
        ahead.append((logits[0, target] - logits[0, origin]).item())
        if max(reduced.item(), losses[-1]) < settings.loss or len(images) > settings.steps:
            return images, losses, ahead
        optimizer.zero_grad()
        reduced.backward()
        optimizer.step()
        with torch.no_grad():
            image.clamp_(0, 1)


def compared(network, images, targets, origins, settings):
    """What a batch finds, after a comparison of each image with its own loop."""
    found = descend(network, images, targets, settings, origins, batch=7)
    for row, (image, target, origin) in enumerate(zip(images, targets, origins, strict=True)):
        way, losses, ahead = one_by_one(network, image, target, origin, settings)
        crossing = [step for step in range(1, len(way)) if ahead[step - 1] <= 0 < ahead[step]]
        assert (found["steps"][row], found["crossing_step"][row]) == (len(way) - 1, (crossing or [-1])[0])
        np.testing.assert_allclose(found["image"][row], way[-1], atol=1e-5)
        np.testing.assert_allclose(found["loss"][row], losses[-1], atol=1e-5)
        if crossing:
            np.testing.assert_allclose(found["crossing"][row], way[crossing[0] - 1 : crossing[0] + 1], atol=1e-5)
    return found


@pytest.mark.parametrize("name", SETTINGS)
def test_a_batch_equals_a_loop_over_single_images(name, looks):
    images, targets, origins = cases(40)
    found = compared(quick(), images, targets, origins, SETTINGS[name])
    assert len(set(found["steps"])) > 4
    assert (found["crossing_step"] > 0).sum() > 15
    exact = descend(quick(), images, targets, replace(SETTINGS[name], precision="float32"), origins)
    assert (exact["image"] != found["image"]).any(), "rounding to bfloat16 should show"


@pytest.mark.parametrize("name", SETTINGS)
def test_everything_stored_is_that_of_a_pass_in_float32(name, looks):
    images, targets, origins = cases(60)
    found = descend(quick(), images, targets, SETTINGS[name], origins)
    with torch.no_grad():
        logits, features = quick()(torch.from_numpy(found["image"]))
        losses = cross_entropy(logits, torch.from_numpy(targets), reduction="none").numpy()
    np.testing.assert_allclose(found["loss"], losses, atol=1e-6)
    np.testing.assert_allclose(found["confidence"], np.exp(-losses), atol=1e-6)
    np.testing.assert_allclose(found["features"], features, atol=1e-5)
    np.testing.assert_array_equal(found["predicted"], logits.argmax(1))
    np.testing.assert_array_equal(found["converged"], losses < SETTINGS[name].loss)
    assert found["converged"].mean() > 0.9
    crossed = found["crossing_step"] >= 0
    assert crossed.sum() > 20
    for side, sign in enumerate((-1, 1)):
        with torch.no_grad():
            logits = quick()(torch.from_numpy(found["crossing"][crossed, side]))[0].numpy()
        rows = np.arange(crossed.sum())
        assert (sign * (logits[rows, targets[crossed]] - logits[rows, origins[crossed]]) >= 0).all()


@pytest.mark.parametrize("name", SETTINGS)
def test_a_set_depends_neither_on_the_batch_nor_on_how_often_it_is_looked_at(name, monkeypatch):
    starts = noise(CLASSES, seed=5)
    whole = make_matrix(quick(), starts, SETTINGS[name])
    monkeypatch.setitem(descent_module.BETWEEN_LOOKS, "cpu", 4)
    for batch in (3, 100):
        found = make_matrix(quick(), starts, SETTINGS[name], batch=batch)
        for key in whole:
            np.testing.assert_allclose(found[key], whole[key], atol=1e-5, rtol=1e-4, err_msg=key)


ADVERSARIAL = linear([[0.0, 0.0], [259.0, -257.0]], [100.0, 100.0], (1, 1, 2))
"""In bfloat16 the weights are 260 and -256, so that of equal pixels the second logit is twice as far ahead."""


def in_bfloat16(image):
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        return ADVERSARIAL(torch.from_numpy(image))[0].float()


@pytest.mark.parametrize(("steps", "converged"), [(3, False), (400, True)])
@pytest.mark.parametrize("settings", [Settings("sgd", 1e-5), Settings("adam", 1e-4)], ids=["sgd", "adam"])
def test_what_converged_in_bfloat16_alone_goes_on(settings, steps, converged, looks):
    start, second = np.full((1, 1, 1, 2), 0.9, np.float32), np.array([1])
    assert cross_entropy(in_bfloat16(start), torch.tensor([1])) < 0.05 < np.log1p(np.exp(-2 * 0.9))
    settings = replace(settings, steps=steps, loss=0.05, precision="bfloat16")
    found = compared(ADVERSARIAL, start, second, second, settings)
    assert (found["loss"] < 0.05) == found["converged"] == converged
    assert found["steps"] == 3 if not converged else 3 < found["steps"] < 400


def test_a_logit_ahead_in_bfloat16_alone_has_not_overtaken(looks):
    start = np.array([0.9, 0.91], np.float32).reshape(1, 1, 1, 2)
    assert (in_bfloat16(start) @ torch.tensor([-1.0, 1.0])).item() > 0 > 259 * 0.9 - 257 * 0.91
    settings = Settings("sgd", 1e-6, 200, 0.01, "bfloat16")
    assert compared(ADVERSARIAL, start, np.array([1]), np.array([0]), settings)["crossing_step"] > 4


def test_the_number_of_steps_is_that_of_the_steps_made_while_images_are_held(monkeypatch):
    starts = np.full((2, 1, 1, 2), 0.9, np.float32)
    settings = Settings("adam", 1e-4, 100, 0.05, "bfloat16")
    each = make_matrix(ADVERSARIAL, starts, settings)
    monkeypatch.setitem(descent_module.BETWEEN_LOOKS, "cpu", 4)
    for name, values in make_matrix(ADVERSARIAL, starts, settings).items():
        np.testing.assert_allclose(values, each[name], atol=1e-6, err_msg=name)


def test_the_way_of_a_prototype_has_losses_in_float32(looks):
    found = make_matrix(quick(), noise(CLASSES, seed=5), SETTINGS["sgd"])
    seen = found["trajectory_step"] >= 0
    images, targets = torch.from_numpy(found["trajectory"][seen]), torch.from_numpy(np.nonzero(seen)[0])
    with torch.no_grad():
        losses = cross_entropy(quick()(images)[0], targets, reduction="none")
    np.testing.assert_allclose(found["trajectory_loss"][seen], losses, atol=1e-6)


def test_c_and_r_are_those_of_float32_within_the_spread_of_initialisations():
    means = {}
    for precision in ("float32", "bfloat16"):
        settings = replace(SETTINGS["sgd"], precision=precision)
        sets = [make_matrix(quick(), noise(CLASSES, seed=seed), settings) for seed in range(4)]
        means[precision] = np.array([[np.mean(part) for part in tensors(one["features"])] for one in sets])
    spread = means["float32"].std(0, ddof=1)
    assert (np.abs(means["bfloat16"].mean(0) - means["float32"].mean(0)) < spread / 2).all()
    assert (means["bfloat16"] != means["float32"]).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", SETTINGS)
def test_on_a_gpu_float32_decides_too(name):
    starts = noise(CLASSES, seed=5)
    found = make_matrix(frozen(trained(), None, SHAPE, device="cuda"), starts, SETTINGS[name], device="cuda")
    assert found["converged"].all()
    targets = torch.arange(CLASSES).repeat_interleave(CLASSES)
    with torch.no_grad():
        losses = cross_entropy(quick()(torch.from_numpy(found["image"]).flatten(0, 1))[0], targets, reduction="none")
    np.testing.assert_allclose(found["loss"].ravel(), losses, atol=1e-4)
