import sys

import numpy as np
import pytest
from scipy import ndimage

from workflow_lib.errors import UserError
from workflow_lib.features.transforms import apply, centre_crop, gaussian_noise, rotation

IMAGES = np.random.default_rng(0).random((5, 3, 12, 12), dtype=np.float32)
WIDE = np.random.default_rng(1).random((2, 1, 9, 14), dtype=np.float32)
IDS = [f"image-{number}" for number in range(5)]


def turned(image, degrees):
    """Counter-clockwise rotation of (y, x) by scipy: bilinear, black outside."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    matrix = np.array([[cos, sin], [-sin, cos]])  # rows point down
    centre = (np.array(image.shape) - 1) / 2
    return ndimage.affine_transform(
        image.astype(float), matrix, centre - matrix @ centre, order=1, mode="grid-constant"
    )


@pytest.mark.parametrize("degrees", [30, 77.5, 180, 330, -45])
@pytest.mark.parametrize("images", [IMAGES, WIDE], ids=["square", "wide"])
def test_rotation_equals_scipy(images, degrees):
    expected = np.stack([[turned(channel, degrees) for channel in image] for image in images])
    np.testing.assert_allclose(rotation(images, degrees), expected, atol=1e-5)


def test_rotation_is_counter_clockwise():
    np.testing.assert_allclose(rotation(IMAGES, 90), np.rot90(IMAGES, axes=(2, 3)), atol=1e-5)
    assert not np.allclose(rotation(IMAGES, -90), np.rot90(IMAGES, axes=(2, 3)), atol=0.1)


def test_rotation_by_nothing():
    for degrees in (0, 360, -360):
        np.testing.assert_allclose(rotation(WIDE, degrees), WIDE, atol=1e-5)


def test_corners_are_black():
    corner = rotation(np.ones((1, 1, 12, 12), dtype=np.float32), 45)[0, 0]
    assert corner[0, 0] == corner[0, -1] == corner[-1, 0] == corner[-1, -1] == 0
    assert corner[5:7, 5:7].min() > 0.999


def test_centre_crop_by_hand():
    image = np.zeros((1, 1, 4, 4), dtype=np.float32)
    image[0, 0, 1:3, 1:3] = [[0, 1], [0, 1]]
    # Bilinear, twice as large: pixel centres lie at -0.25, 0.25, 0.75, 1.25 of the cut, held at its edge.
    np.testing.assert_allclose(centre_crop(image, 2)[0, 0], np.tile([0, 0.25, 0.75, 1], (4, 1)), atol=1e-6)


def test_centre_crop_of_everything():
    np.testing.assert_allclose(centre_crop(IMAGES, 12), IMAGES, atol=1e-6)
    np.testing.assert_allclose(centre_crop(WIDE, 9), WIDE, atol=1e-6)


def test_centre_crop_sees_the_centre_alone():
    changed = IMAGES.copy()
    changed[:, :, :3] = changed[:, :, -3:] = changed[:, :, :, :3] = changed[:, :, :, -3:] = 0
    np.testing.assert_array_equal(centre_crop(changed, 6), centre_crop(IMAGES, 6))
    assert not np.allclose(centre_crop(changed, 8), centre_crop(IMAGES, 8))


def test_centre_crop_keeps_the_shape_of_the_image():
    steps = np.broadcast_to(np.linspace(0, 1, 14, dtype=np.float32), (1, 1, 9, 14)).copy()
    row = centre_crop(steps, 5)[0, 0, 4]  # 5 of 9 rows and 8 of 14 columns
    assert row.min() == pytest.approx(3 / 13, abs=1e-6)
    assert row.max() == pytest.approx(10 / 13, abs=1e-6)


@pytest.mark.parametrize("pixels", [0, 10])
def test_centre_crop_that_does_not_fit(pixels):
    with pytest.raises(UserError, match=f"transforms.pixels: {pixels}\n.*from 1 to 9"):
        centre_crop(WIDE, pixels)


def test_noise_has_the_deviation_asked_for():
    grey = np.full((4, 3, 64, 64), 0.5, dtype=np.float32)
    noise = gaussian_noise(grey, IDS[:4], 0.1, seed=0) - 0.5
    assert noise.std() == pytest.approx(0.1, rel=0.02)
    assert noise.mean() == pytest.approx(0, abs=0.003)
    correlation = np.corrcoef(noise.reshape(4, -1))
    assert np.abs(correlation - np.eye(4)).max() < 0.05


def test_noise_belongs_to_the_sample():
    whole = gaussian_noise(IMAGES, IDS, 0.2, seed=0)
    order = [3, 0, 4]
    np.testing.assert_array_equal(gaussian_noise(IMAGES[order], [IDS[i] for i in order], 0.2, seed=0), whole[order])
    assert not np.array_equal(gaussian_noise(IMAGES, IDS[::-1], 0.2, seed=0), whole)
    assert not np.array_equal(gaussian_noise(IMAGES, IDS, 0.2, seed=1), whole)


SPECS = [
    {"kind": "rotation", "degrees": 30, "seed": 0},
    {"kind": "centre_crop", "pixels": 7, "seed": 0},
    {"kind": "gaussian_noise", "std": 1.0, "seed": 0},
]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec["kind"])
def test_images_stay_images_whatever_their_batch(spec):
    before = IMAGES.copy()
    whole = apply(IMAGES, IDS, spec)
    assert (whole.shape, whole.dtype) == (IMAGES.shape, np.float32)
    assert 0 <= whole.min() < whole.max() <= 1
    assert not np.allclose(whole, IMAGES)
    parts = [apply(IMAGES[row : row + 1], IDS[row : row + 1], spec) for row in range(5)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    np.testing.assert_array_equal(IMAGES, before)


MODULE = """
import numpy as np

def shifted(images, ids, by=0.0):
    seeds = [sum(map(ord, name)) for name in ids]
    return np.clip(images + np.array([seed % 7 for seed in seeds]).reshape(-1, 1, 1, 1) / 70 + by, 0, 1)

def smaller(images, ids):
    return images[:, :, 1:]

def brighter(images, ids):
    return images + 1

def broken(images, ids):
    images[-1] = np.nan
    return images

def whole(images, ids):
    return (images * 255).astype(int)

def by_batch(images, ids):
    return images / images.max() / len(images)

def by_chance(images, ids):
    return np.random.default_rng().random(images.shape)
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """Spec of a function in a module of the user's own."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_changes.py").write_text(MODULE)
    monkeypatch.delitem(sys.modules, "own_changes", raising=False)
    return lambda name, **options: {
        "kind": "function",
        "function": f"own_changes:{name}",
        "options": options,
        "reads": [],
    }


def test_a_function_of_the_user(own):
    by_id = np.array([sum(map(ord, name)) % 7 for name in IDS]).reshape(-1, 1, 1, 1) / 70
    for options in ({}, {"by": 0.1}):
        changed = apply(IMAGES, IDS, own("shifted", **options))
        expected = np.clip(IMAGES + by_id + options.get("by", 0), 0, 1)
        np.testing.assert_allclose(changed, expected, atol=1e-6)
        assert changed.dtype == np.float32
        np.testing.assert_array_equal(apply(IMAGES[2:3], IDS[2:3], own("shifted", **options)), changed[2:3])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("smaller", r"the shape \(5, 3, 11, 12\) for images of the shape \(5, 3, 12, 12\)"),
        ("brighter", "outside 0 to 1 for sample image-0"),
        ("broken", "NaN or outside 0 to 1 for sample image-4"),
        ("whole", "returns int64"),
        ("by_batch", "alone, and with others"),
        ("by_chance", "alone, and with others"),
        ("missing", "has no function 'missing'"),
    ],
)
def test_what_a_function_may_not_do(own, name, words):
    before = IMAGES.copy()
    with pytest.raises(UserError, match=f"transforms.function: own_changes:{name}.*\n.*{words}"):
        apply(IMAGES, IDS, own(name))
    np.testing.assert_array_equal(IMAGES, before)


def test_the_original_is_the_image():
    np.testing.assert_array_equal(apply(IMAGES, IDS, None), IMAGES)


def test_an_unknown_kind():
    with pytest.raises(UserError, match="rotaton"):
        apply(IMAGES, IDS, {"kind": "rotaton", "degrees": 3})
