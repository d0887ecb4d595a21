import numpy as np
import pytest
from PIL import Image

from workflow_lib.datasets.artifact import open_split
from workflow_lib.datasets.image_arrays import array_split
from workflow_lib.datasets.split import strings
from workflow_lib.datasets.writing import write
from workflow_lib.errors import UserError
from workflow_lib.features import stylise
from workflow_lib.features.transforms import apply
from workflow_lib.steps.roles import Context
from workflow_lib.steps.transform_dataset import transform_dataset

RNG = np.random.default_rng(0)
IMAGES = RNG.random((4, 3, 8, 12), dtype=np.float32)
STYLES = RNG.random((4, 3, 8, 12), dtype=np.float32)
IDS = [f"image-{number}" for number in range(4)]


@pytest.fixture
def spec(tmp_path):
    """Spec with a folder of ten style images, one of which lies deeper."""
    stylise._style_files.cache_clear()
    (tmp_path / "styles" / "more").mkdir(parents=True)
    for number in range(10):
        place = tmp_path / "styles" / ("more" if number == 0 else "")
        Image.fromarray(RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)).save(place / f"{number}.png")
    (tmp_path / "styles" / "readme.txt").touch()
    return {"kind": "stylise", "styles": str(tmp_path / "styles"), "amount": 1.0, "weights": None, "seed": 0}


def test_amplitudes_and_phases_of_one_channel_by_hand():
    """Two pixels (a, b): the amplitudes are |a + b| and |a - b|, the phases their signs."""
    image = np.array([[0.6, 0.2]], dtype=np.float32)[None, None]
    style = np.array([[0.1, 0.3]], dtype=np.float32)[None, None]
    # amplitudes 0.4 and 0.2 of the style, signs + and + of the image: (0.4 + 0.2) / 2 and (0.4 - 0.2) / 2
    np.testing.assert_allclose(stylise.swap_amplitudes(image, style, 1.0)[0, 0], [[0.3, 0.1]], atol=1e-6)
    # only the mean colour: the mean 0.4 becomes 0.2, the difference stays 0.4
    np.testing.assert_allclose(stylise.swap_amplitudes(image, style, 0.5)[0, 0], [[0.4, 0.0]], atol=1e-6)


@pytest.mark.parametrize("amount", [0.01, 0.3, 1.0])
def test_low_frequencies_are_those_of_the_style(amount):
    """Before clipping: images of small contrast do not reach 0 or 1."""
    own, style = 0.5 + (IMAGES - 0.5) / 20, 0.5 + (STYLES - 0.5) / 20
    changed = stylise.swap_amplitudes(own, style, amount)
    found, before, other = (np.abs(np.fft.fft2(values)) for values in (changed, own, style))
    rows, columns = (np.abs(np.fft.fftfreq(side)) for side in (8, 12))
    low = (rows[:, None] <= amount / 2) & (columns[None] <= amount / 2)
    np.testing.assert_allclose(found[..., low], other[..., low], atol=1e-4)
    np.testing.assert_allclose(found[..., ~low], before[..., ~low], atol=1e-4)
    assert low.sum() == {0.01: 1, 0.3: 3 * 3, 1.0: 96}[amount]


def test_an_image_in_its_own_style_is_unchanged():
    np.testing.assert_allclose(stylise.swap_amplitudes(IMAGES, IMAGES, 1.0), IMAGES, atol=1e-6)


def test_a_sample_keeps_its_style_in_any_batch(spec):
    whole = apply(IMAGES, IDS, spec)
    assert (whole.shape, whole.dtype) == (IMAGES.shape, np.float32)
    assert 0 <= whole.min() < whole.max() <= 1
    order = [2, 0]
    np.testing.assert_array_equal(apply(IMAGES[order], [IDS[i] for i in order], spec), whole[order])
    assert not np.allclose(apply(IMAGES, IDS, spec | {"seed": 1}), whole)
    assert not np.allclose(apply(IMAGES, IDS[::-1], spec), whole)
    files = stylise._style_files(spec["styles"])
    assert len(files) == 10
    assert apply(IMAGES[:, :1], IDS, spec).shape == (4, 1, 8, 12)


def test_what_is_refused(spec, tmp_path):
    with pytest.raises(UserError, match="2 channels"):
        apply(IMAGES[:, :2], IDS, spec)
    (tmp_path / "none").mkdir()
    with pytest.raises(UserError, match="no images in this folder"):
        apply(IMAGES, IDS, spec | {"styles": str(tmp_path / "none")})


def test_a_transformed_dataset_has_each_sample_changed_once(tmp_path):
    images = RNG.integers(0, 256, (12, 8, 8, 1), dtype=np.uint8)
    ids = strings(f"s{number}" for number in range(12))
    split = array_split(images, np.arange(12) % 3, ids, ("a", "b", "c"), layout="NHWC", source="toy", origin="toy")
    write(split, tmp_path / "of.zarr.zip")
    noise = {"kind": "gaussian_noise", "std": 0.2, "seed": 0}
    spec = {"source": "transformed", "of": "toy", "transform": noise, "classes": ["c", "a"], "subsample": None}
    files = {"train": tmp_path / "train.zarr.zip", "test": tmp_path / "test.zarr.zip"}
    parts = [tmp_path / "of.zarr.zip"]
    transform_dataset(spec=spec, train_parts=parts, test_parts=parts, **files, context=Context("cpu", 1, tmp_path))
    made = open_split(files["train"])
    assert files["train"].read_bytes() == files["test"].read_bytes()
    assert made.class_names == ("c", "a")
    assert made.ids.tolist() == [f"s{number}" for number in range(12) if number % 3 != 1]
    original = open_split(parts[0])
    rows = [int(name[1:]) for name in made.ids.tolist()]
    expected = apply(original.images(0, 12), original.ids.tolist(), noise)[rows]
    np.testing.assert_array_equal(made.images(0, 8), expected)
