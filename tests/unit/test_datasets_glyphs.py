"""The source of printed letters and digits: what an image depends on, its ink, its noise, and its fonts."""

import string
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from matplotlib.ft2font import FT2Font

from workflow_lib.config.load import load as load_config
from workflow_lib.datasets.glyphs import FONTS, glyph
from workflow_lib.datasets.sources import load
from workflow_lib.errors import UserError

ALL = string.ascii_letters + string.digits
SPEC = {"source": "glyphs", "characters": "ABI", "side": 28, "train": 4, "test": 3, "noise": 0.8, "seed": 0}


def images_of(**changes):
    """Image by id of a data set, and its splits."""
    splits = load(SPEC | changes)
    pixels = [(split.ids, split.read(np.arange(len(split)))) for split in splits.values()]
    return {str(name): image for ids, images in pixels for name, image in zip(ids, images, strict=True)}, splits


def test_the_images_of_each_character():
    images, splits = images_of()
    assert list(splits) == ["train", "test"]
    train = splits["train"]
    assert (train.class_names, train.image_shape, train.dtype) == (("A", "B", "I"), (1, 28, 28), np.uint8)
    assert train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert [*train.ids[:2], train.ids[-1]] == ["train-A-00000", "train-A-00001", "train-I-00003"]
    assert len(splits["test"]) == 9
    assert len({image.tobytes() for image in images.values()}) == 21


@pytest.mark.parametrize("changes", [{"train": 6, "test": 5}, {"characters": "B"}, {"characters": "zB0"}])
def test_an_image_does_not_depend_on_the_others(changes):
    before, _ = images_of()
    after, _ = images_of(**changes)
    common = before.keys() & after.keys()
    assert len(common) >= 7
    for name in common:
        np.testing.assert_array_equal(after[name], before[name])


@pytest.mark.parametrize("changes", [{"seed": 1}, {"noise": 0.7}])
def test_the_seed_and_the_noise_change_every_image(changes):
    before, _ = images_of()
    after, _ = images_of(**changes)
    assert all((after[name] != image).any() for name, image in before.items())


def test_without_noise_there_is_white_ink_on_black_in_the_middle():
    """Nothing is cut off, not even of wide characters or of those that reach below the line."""
    for name, image in images_of(noise=0.0, characters="IWmgQj", train=50)[0].items():
        assert image.max() > 200, name
        assert image.any(axis=(0, 2)).sum() >= 8, name
        assert not image[0, [0, -1], :].any(), name
        assert not image[0, :, [0, -1]].any(), name


def test_noise_is_mixed_with_the_ink_by_its_share():
    ink, noisy = (glyph("I", side=28, noise=noise, rng=np.random.default_rng(0)) / 255 for noise in (0.0, 1.0))
    share = 2 * noisy[ink == 0].mean()  # where there is no ink: the mean of uniform noise is 1/2
    assert 0.3 < share < 1
    np.testing.assert_allclose(noisy[ink == 0].max(), share, atol=0.03)
    np.testing.assert_allclose(noisy[ink == 1].min(), 1 - share, atol=0.1)
    np.testing.assert_allclose(noisy[ink == 1].mean(), 1 - share / 2, atol=0.08)


def test_the_characters_can_be_told_apart():
    """The nearest training image has the class of most test images; by chance it were a tenth."""
    from sklearn.neighbors import KNeighborsClassifier

    _, splits = images_of(characters="ABEHKMSTXZ", train=30, test=10, noise=0.2)
    train, test = (split.read(np.arange(len(split))).reshape(len(split), -1) / 255 for split in splits.values())
    nearest = KNeighborsClassifier(1).fit(train, splits["train"].labels)
    assert nearest.score(test, splits["test"].labels) > 0.8


@pytest.mark.parametrize("font", FONTS)
def test_every_font_has_every_character(font):
    face = FT2Font(str(Path(matplotlib.get_data_path(), "fonts", "ttf", f"{font}.ttf")))
    assert [character for character in ALL if not face.get_char_index(ord(character))] == []


@pytest.mark.parametrize(
    ("characters", "message"),
    [
        ("A", "two or more letters and digits of ASCII"),
        ("ABé", "two or more letters and digits of ASCII"),
        ("ABCA", "must not have a character twice\n    -> write ABC"),
    ],
)
def test_characters_that_cannot_be_classes(characters, message):
    with pytest.raises(UserError, match="datasets.letters.characters") as caught:
        load_config({"datasets": {"letters": {"source": "glyphs", "characters": characters}}})
    assert message in str(caught.value)


def test_classes_are_checked_before_anything_is_rendered():
    with pytest.raises(UserError, match="class of this source"):
        load_config({"datasets": {"letters": {"source": "glyphs", "characters": "ABC", "classes": ["A", "D"]}}})
