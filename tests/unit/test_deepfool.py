"""Nearest adversarial images: by hand, against a loop as in the paper, and against foolbox."""

import numpy as np
import pytest
import torch
from prototypes_cases import CLASSES, SHAPE, linear, noise, quick, trained

from workflow_lib.prototypes.deepfool import BEYOND, OVERSHOOT, STEPS, deepfool
from workflow_lib.prototypes.descent import Settings
from workflow_lib.prototypes.frozen import frozen
from workflow_lib.prototypes.matrix import make_matrix

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def prototypes():
    """Class prototypes of the network, and their classes."""
    made = make_matrix(quick(), noise(CLASSES, seed=3), Settings("adam", 0.02, 200, 0.01))
    assert made["converged"].all()
    return np.stack([made["image"][k, k] for k in range(CLASSES)]), np.arange(CLASSES)


def one_by_one(network, image, own):
    """One image after another as in the paper (algorithm 2), with the numbers that foolbox adds."""
    x, total, steps = image.clone(), torch.zeros_like(image), 0
    while steps < STEPS:
        jacobian = torch.autograd.functional.jacobian(lambda x: network(x[None])[0], x)
        logits = network(x[None])[0].detach()
        if logits.argmax() != own:
            break
        ways = []
        for k in range(len(logits)):
            if k != own:
                w, f = jacobian[k] - jacobian[own], logits[k] - logits[own]
                ways.append((f.abs() / (w.norm() + 1e-8), w))
        distance, w = min(ways, key=lambda way: way[0])
        total = total + (distance + BEYOND) * w / (w.norm() + 1e-8)
        x, steps = (image + (1 + OVERSHOOT) * total).clamp(0, 1), steps + 1
    return x.numpy(), steps


def test_a_linear_network_by_hand():
    # From (0.5, 0.5) class 1 is 0.3 / 5 = 0.06 away along (3, 4), class 2 is 0.2 away along (-1, 0).
    network = linear([[0.0, 0.0], [3.0, 4.0], [-1.0, 0.0]], [0.0, -3.8, 0.3], (1, 1, 2))
    found = deepfool(network, np.full((1, 1, 1, 2), 0.5, np.float32), np.array([0]))
    far = 1.02 * (0.06 + 1e-4)
    np.testing.assert_allclose(found.image.ravel(), [0.5 + 0.6 * far, 0.5 + 0.8 * far], atol=1e-6)
    np.testing.assert_allclose(found.norm, far, atol=1e-6)
    assert (found.steps, found.predicted, found.found) == (1, 1, True)
    np.testing.assert_allclose(found.features, found.image.reshape(1, 2), atol=1e-6)


def test_pixels_stay_within_bounds():
    # From (0.9, 0.1), the nearest point with 2 x + y = 2.4 is (1.1, 0.2). With x = 1 it takes y = 0.4, and more steps.
    network = linear([[0.0, 0.0], [2.0, 1.0]], [0.0, -2.4], (1, 1, 2))
    found = deepfool(network, np.array([[[[0.9, 0.1]]]], np.float32), np.array([0]))
    x, y = found.image.ravel()
    assert found.found
    assert x == 1
    assert 0.4 < y < 0.41
    assert found.steps > 1


def test_a_batch_equals_a_loop_over_single_images(prototypes):
    images, classes = prototypes
    found = deepfool(quick(), images, classes)
    assert found.found.all()
    assert len(set(found.steps.tolist())) > 1, "images should leave after different steps for this to say much"
    for row, (image, own) in enumerate(zip(images, classes, strict=True)):
        expected, steps = one_by_one(trained(), torch.from_numpy(image), own)
        np.testing.assert_allclose(found.image[row], expected, atol=1e-4)
        assert found.steps[row] == steps
        np.testing.assert_allclose(found.norm[row], np.linalg.norm(expected - image), rtol=1e-3)
    logits, features = quick()(torch.from_numpy(found.image))
    np.testing.assert_array_equal(found.predicted, logits.argmax(1))
    np.testing.assert_allclose(found.features, features, atol=1e-5)


@pytest.mark.parametrize("batch", [1, 3])
def test_batch_and_order_do_not_matter(prototypes, batch):
    images, classes = prototypes
    whole, order = deepfool(quick(), images, classes), np.array([2, 0, 3, 1])
    parts = deepfool(quick(), images[order], classes[order], batch=batch)
    np.testing.assert_allclose(parts.image, whole.image[order], atol=1e-5)
    np.testing.assert_array_equal(parts.steps, whole.steps[order])


def test_it_equals_foolbox(prototypes):
    foolbox = pytest.importorskip("foolbox", reason="foolbox is not installed (pip install foolbox)")
    images, classes = prototypes
    images, classes = np.concatenate([images, noise(40, seed=7)]), np.concatenate([classes, np.arange(40) % CLASSES])
    model = foolbox.PyTorchModel(trained(), bounds=(0, 1), device="cpu")
    attack = foolbox.attacks.L2DeepFoolAttack(overshoot=0.02)
    _, expected, success = attack(model, torch.from_numpy(images), torch.from_numpy(classes), epsilons=None)
    found = deepfool(quick(), images, classes)
    already = found.steps == 0  # foolbox calls these adversarial, too
    assert already.any()
    np.testing.assert_array_equal(found.found | already, success)
    assert found.found.sum() >= 10
    np.testing.assert_allclose(found.image[found.found], expected.numpy()[found.found], atol=1e-4)


def test_the_image_found_is_hardly_beyond_the_boundary(prototypes):
    """A negative control: on the way to it, shortly before, the network still says its class."""
    images, classes = prototypes
    found = deepfool(quick(), images, classes)
    short = torch.from_numpy(images + 0.9 * (found.image - images))
    assert (quick()(short)[0].argmax(1).numpy() == classes).all()
    random = noise(CLASSES, seed=1) - 0.5
    random *= (found.norm / np.linalg.norm(random.reshape(CLASSES, -1), axis=1))[:, None, None, None]
    aside = torch.from_numpy((images + random).clip(0, 1))
    assert (quick()(aside)[0].argmax(1).numpy() == classes).all(), "a random direction of this length is enough, too"


def test_where_there_is_none():
    flat = linear([[0.0] * 72] * 2, [1.0, 0.0], SHAPE)
    images = noise(2)
    found = deepfool(flat, images, np.arange(2))
    assert found.found.tolist() == [False, False]
    assert found.steps.tolist() == [STEPS, 0], "class 0 is never left; the image of class 1 is not of its class"
    assert found.predicted.tolist() == [0, 0]
    assert np.isnan(found.image).all()
    assert np.isnan(found.features).all()
    assert np.isnan(found.norm).all()
    alone = deepfool(linear([[1.0] * 72], [0.0], SHAPE), images[:1], np.zeros(1, np.int64))
    assert (alone.found.tolist(), alone.steps.tolist()) == ([False], [0])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cuda_gives_the_same(prototypes):
    images, classes = prototypes
    on_gpu = deepfool(frozen(trained(), None, SHAPE, device="cuda"), images, classes, device="cuda")
    expected = deepfool(quick(), images, classes)
    np.testing.assert_allclose(on_gpu.image, expected.image, atol=1e-3)
    np.testing.assert_array_equal(on_gpu.found, expected.found)
