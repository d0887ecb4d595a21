import itertools
import math

import numpy as np
import pytest
import torch
from prototypes_cases import CLASSES, SHAPE, linear, noise, one_by_one, quick, trained

from workflow_lib.prototypes import descent as descent_module
from workflow_lib.prototypes.descent import Descent, Settings

LR = {"sgd": 0.02, "normalised_sgd": 0.1, "adam": 0.02}
SETTINGS = {name: Settings(name, lr, 40, 0.05) for name, lr in LR.items()}


def descend(network, images, targets, settings, origins=None, batch=100, watch=None):
    """All images through a batch of `batch`, in order; name -> array."""
    batchful = Descent(network, settings, watch=watch)
    origins = targets if origins is None else origins
    arrays, begun = {}, 0
    while begun < len(images) or len(batchful):
        new = np.arange(begun, min(begun + batch - len(batchful), len(images)))
        batchful.enter(new, images[new], targets[new], origins[new])
        begun += len(new)
        finished = batchful.advance()
        entry = finished.pop("entry", None)
        for name, values in finished.items():
            arrays.setdefault(name, np.empty((len(images), *values.shape[1:]), values.dtype))[entry] = values
    return arrays


def cases(count=9):
    return noise(count, seed=5), np.arange(count) % CLASSES, (np.arange(count) + 1) % CLASSES


def same(found, expected, atol=1e-5):
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=atol, rtol=1e-4, err_msg=name)


def test_a_step_on_a_linear_network_by_hand():
    weight, image = [[1.0, 0.0], [0.0, 2.0], [-1.0, 1.0]], np.array([[[[0.25, 0.5]]]], np.float32)
    network = linear(weight, [0.0, 0.0, 0.5], (1, 1, 2))
    found = descend(network, image, np.array([1]), Settings("sgd", 0.1, steps=1))
    logits = np.array([0.25, 1.0, 0.75])  # 1 x 0.25; 2 x 0.5; -0.25 + 0.5 + 0.5
    softmax = np.exp(logits) / np.exp(logits).sum()
    gradient = np.array(weight).T @ (softmax - [0, 1, 0])
    np.testing.assert_allclose(found["image"].ravel(), [0.25, 0.5] - 0.1 * gradient, atol=1e-7)
    np.testing.assert_allclose(found["length"], 0.1 * np.linalg.norm(gradient), rtol=1e-6)
    after = np.array(weight) @ found["image"].ravel() + [0, 0, 0.5]
    np.testing.assert_allclose(found["loss"], np.log(np.exp(after).sum()) - after[1], rtol=1e-6)
    np.testing.assert_allclose(found["confidence"], np.exp(after[1]) / np.exp(after).sum(), rtol=1e-6)
    assert (found["steps"], found["converged"], found["predicted"]) == (1, False, 1)


def test_the_number_of_steps_of_one_pixel_by_hand():
    # Two classes with logits -3 x and 3 x: loss log(1 + exp(-6 x)), slope -6 / (1 + exp(6 x)).
    pixel, steps = 0.125, 0
    while math.log1p(math.exp(-6 * pixel)) >= 0.02:
        pixel, steps = pixel + 0.05 * 6 / (1 + math.exp(6 * pixel)), steps + 1
    found = descend(
        linear([[-3.0], [3.0]], [0.0, 0.0], (1, 1, 1)),
        np.full((1, 1, 1, 1), 0.125, np.float32),
        np.array([1]),
        Settings("sgd", 0.05, 400, 0.02),
    )
    assert found["steps"] == steps > 5
    assert found["converged"]
    np.testing.assert_allclose(found["image"].item(), pixel, atol=1e-6)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_batch_equals_a_loop_over_single_images(name):
    images, targets, origins = cases()
    found = descend(quick(), images, targets, SETTINGS[name], origins, batch=4)
    crossed = 0
    for row, (image, target, origin) in enumerate(zip(images, targets, origins, strict=True)):
        way, losses, ahead = one_by_one(trained(), image, target, SETTINGS[name], origin)
        assert found["steps"][row] == len(way) - 1
        assert found["converged"][row] == (losses[-1] < SETTINGS[name].loss)
        np.testing.assert_allclose(found["image"][row], way[-1], atol=1e-5)
        np.testing.assert_allclose(found["loss"][row], losses[-1], atol=1e-5)
        lengths = np.cumsum([0, *(np.linalg.norm(b - a) for a, b in itertools.pairwise(way))])
        np.testing.assert_allclose(found["length"][row], lengths[-1], rtol=1e-4)
        crossing = [step for step in range(1, len(way)) if ahead[step - 1] <= 0 < ahead[step]]
        if crossing:
            crossed += 1
            assert found["crossing_step"][row] == crossing[0]
            np.testing.assert_allclose(found["crossing"][row], way[crossing[0] - 1 : crossing[0] + 1], atol=1e-5)
            np.testing.assert_allclose(found["crossing_length"][row], lengths[crossing[0] - 1], atol=1e-4)
        else:
            assert found["crossing_step"][row] == -1
            assert np.isnan(found["crossing"][row]).all()
            assert np.isnan(found["crossing_length"][row])
    assert 3 < crossed < len(images)
    assert len(set(found["steps"])) > 4, "images should finish at different steps for this to say much"


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("batch", [1, 3])
def test_the_size_of_the_batch_does_not_matter(name, batch):
    images, targets, origins = cases()
    whole = descend(quick(), images, targets, SETTINGS[name], origins)
    same(descend(quick(), images, targets, SETTINGS[name], origins, batch), whole)


@pytest.mark.parametrize("name", SETTINGS)
def test_neighbours_do_not_matter(name):
    images, targets, _ = cases()
    image, target = images[2:3], targets[2:3]
    alone = descend(quick(), image, target, SETTINGS[name])
    companions = noise(4, seed=8) ** 4
    among = descend(quick(), np.concatenate([companions, image]), np.array([0, 0, 1, 3, target[0]]), SETTINGS[name])
    same({key: values[-1:] for key, values in among.items()}, alone)


@pytest.mark.parametrize("name", SETTINGS)
def test_seldom_looks_change_nothing(name, monkeypatch):
    images, targets, origins = cases()
    each = descend(quick(), images, targets, SETTINGS[name], origins, batch=4)
    monkeypatch.setitem(descent_module.BETWEEN_LOOKS, "cpu", 7)
    same(descend(quick(), images, targets, SETTINGS[name], origins, batch=4), each)


def test_an_image_that_enters_late_starts_its_moments_anew():
    images, targets, _ = cases(2)
    late = Descent(quick(), SETTINGS["adam"])
    for row in range(2):
        late.enter(np.array([row]), images[row : row + 1], targets[row : row + 1], targets[row : row + 1])
        for _ in range(3):
            assert not late.advance()
    assert late.rows["steps"].tolist() == [6, 3]
    for row, steps in enumerate([6, 3]):
        expected = one_by_one(trained(), images[row], targets[row], Settings("adam", 0.02, steps, 0))[0][-1]
        np.testing.assert_allclose(late.rows["image"][row], expected, atol=1e-5)


def test_a_normalised_step_on_a_linear_network_by_hand():
    # Two classes with equal logits: the gradient is -w * (3, 4) / 2, and (-0.6, -0.8) when divided by its length.
    image = np.array([[[[0.5, 0.25]]]], np.float32)
    for w in (1.0, 1e-25):  # squares of the latter are zero in float32
        network = linear([[0.0, 0.0], [3 * w, 4 * w]], [0.0, -2.5 * w], (1, 1, 2))
        found = descend(network, image, np.array([1]), Settings("normalised_sgd", 0.1, steps=1))
        np.testing.assert_allclose(found["image"].ravel(), [0.56, 0.33], atol=1e-6)
        np.testing.assert_allclose(found["length"], 0.1, rtol=1e-6)
    plain = descend(network, image, np.array([1]), Settings("sgd", 0.1, steps=1))
    np.testing.assert_array_equal(plain["image"], image)


@pytest.mark.parametrize("optimizer", SETTINGS)
def test_a_class_out_of_reach_is_flagged(optimizer):
    constant = linear([[0.0] * 72] * 3, [1.0, 0.0, 0.0], SHAPE)
    images = noise(3)
    found = descend(constant, images, np.arange(3), Settings(optimizer, 1.0, steps=6, loss=0.56))
    np.testing.assert_array_equal(found["image"], images)
    assert found["converged"].tolist() == [True, False, False]  # log(1 + 2 / e) = 0.551
    assert found["steps"].tolist() == [0, 6, 6]
    assert found["predicted"].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(found["length"], 0)


def test_an_image_that_already_fulfils_the_threshold_takes_no_step():
    images, targets, _ = cases()
    found = descend(quick(), images, targets, SETTINGS["sgd"])
    again = descend(quick(), found["image"], targets, SETTINGS["sgd"])
    done = found["converged"]
    assert done.sum() > 4
    assert not again["steps"][done].any()
    np.testing.assert_array_equal(again["image"][done], found["image"][done])


@pytest.mark.parametrize("settings", [Settings(name, 50.0, 5, 1e-9) for name in SETTINGS])
def test_pixels_stay_within_bounds_and_inputs_as_they_were(settings):
    images, targets, _ = cases()
    before = images.copy()
    found = descend(quick(), images, targets, settings)["image"]
    assert found.min() == 0
    assert found.max() == 1
    np.testing.assert_array_equal(images, before)


def test_the_way_is_shown_after_0_1_2_4_8_steps():
    images, targets, origins = cases()
    seen = {}

    def watch(entries, steps, images, losses):
        for entry, step, image, loss in zip(entries.tolist(), steps.tolist(), images, losses, strict=True):
            seen[entry, step] = (image, loss)

    settings = Settings("sgd", 0.01, 9, 0)
    descend(quick(), images, targets, settings, np.where(targets < 2, targets, origins), batch=2, watch=watch)
    chosen = np.flatnonzero(targets < 2).tolist()
    assert sorted(seen) == [(entry, step) for entry in chosen for step in (0, 1, 2, 4, 8)]
    way, losses, _ = one_by_one(trained(), images[4], targets[4], settings)
    np.testing.assert_allclose(seen[4, 8][0], way[8], atol=1e-5)
    np.testing.assert_allclose(seen[4, 8][1], losses[8], atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("name", SETTINGS)
def test_cuda_gives_the_same(name):
    from workflow_lib.prototypes.frozen import frozen

    images, targets, _ = cases()
    expected = descend(quick(), images, targets, SETTINGS[name])
    on_gpu = Descent(frozen(trained(), None, SHAPE, device="cuda"), SETTINGS[name], device="cuda")
    on_gpu.enter(np.arange(9), images, targets, targets)
    while len(on_gpu):
        finished = on_gpu.advance()
        entry = finished.pop("entry", None)
        same(finished, {key: values[entry] for key, values in expected.items() if finished}, atol=1e-3)
