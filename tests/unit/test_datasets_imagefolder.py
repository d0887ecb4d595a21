"""Trees of image files."""

import numpy as np
import pytest
from PIL import Image

from workflow_lib.datasets.imagefolder import decode
from workflow_lib.datasets.sources import load
from workflow_lib.datasets.writing import write
from workflow_lib.errors import UserError

GENERATOR = np.random.default_rng(0)


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


@pytest.fixture
def tree(tmp_path):
    """root/{train,test}/{ant,bee} with three images each; the red channel numbers the images."""
    for part in ("train", "test"):
        for number in range(6):
            pixels = np.full((4, 4, 3), 9, np.uint8)
            pixels[..., 0] = number
            save(tmp_path / part / ("ant", "bee")[number // 3] / f"{number}.png", pixels)
    return tmp_path


def spec_of(root, **changes):
    return {"source": "imagefolder", "root": str(root), "image_size": [4, 4], "test_fraction": None} | changes


def error_of(spec):
    with pytest.raises(UserError) as caught:
        load(spec)
    return str(caught.value)


def test_two_trees(tree):
    split = load(spec_of(tree))["test"]
    assert split.class_names == ("ant", "bee")
    assert split.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert split.ids.tolist() == [f"test/ant/{i}.png" for i in range(3)] + [f"test/bee/{i}.png" for i in range(3, 6)]
    assert split.read(np.array([1, 4]))[:, :, 0, 0].tolist() == [[1, 9, 9], [4, 9, 9]]


def test_one_tree_is_parted_by_the_fraction(tree):
    splits = load(spec_of(tree / "train", test_fraction=0.34, split_seed=0))
    assert np.bincount(splits["test"].labels).tolist() == [1, 1]
    assert np.bincount(splits["train"].labels).tolist() == [2, 2]
    for split in splits.values():
        red = split.read(np.arange(len(split)))[:, 0, 0, 0]
        assert [f"{'ant' if value < 3 else 'bee'}/{value}.png" for value in red] == split.ids.tolist()


def test_nested_folders_belong_to_the_class_and_other_files_do_not(tree):
    save(tree / "train" / "ant" / "more" / "x.JPEG", np.zeros((4, 4, 3), np.uint8), format="JPEG")
    for name in ("notes.txt", ".hidden.png"):
        (tree / "train" / "ant" / name).write_text("no image")
    assert load(spec_of(tree))["train"].ids.tolist()[3:5] == ["train/ant/more/x.JPEG", "train/bee/3.png"]


def test_an_image_of_the_size_is_untouched(tmp_path):
    pixels = GENERATOR.integers(0, 256, (7, 5, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode(save(tmp_path / "x.png", pixels), 7, 5), pixels)


def test_the_centre_is_cut_out(tmp_path):
    pixels = GENERATOR.integers(0, 256, (4, 10, 3), dtype=np.uint8)
    np.testing.assert_array_equal(decode(save(tmp_path / "x.png", pixels), 4, 4), pixels[:, 3:7])


@pytest.mark.parametrize(("height", "width"), [(20, 20), (10, 20), (24, 12)])
def test_scaling_agrees_with_resize_then_crop(tmp_path, height, width):
    rows, columns = np.mgrid[0:60, 0:90]
    pixels = np.stack([rows * 4, columns * 2, rows + columns], axis=-1).astype(np.uint8)
    scale = max(height / 60, width / 90)
    resized = Image.fromarray(pixels).resize((round(90 * scale), round(60 * scale)), Image.Resampling.BICUBIC)
    top, left = (resized.height - height) // 2, (resized.width - width) // 2
    expected = np.asarray(resized)[top : top + height, left : left + width].astype(int)
    found = decode(save(tmp_path / "x.png", pixels), height, width).astype(int)
    assert found.shape == (height, width, 3)
    pixel = 4 / scale  # the steepest channel changes so much from one pixel of the result to the next
    assert np.abs(found - expected).max() < pixel, "the crops are less than a pixel apart"


def test_grey_palette_and_transparent_images_become_rgb(tmp_path):
    grey = save(tmp_path / "grey.png", np.full((4, 4), 77, np.uint8))
    assert (decode(grey, 4, 4) == 77).all()
    clear = save(tmp_path / "clear.png", np.full((4, 4, 4), [10, 20, 30, 0], np.uint8))
    assert (decode(clear, 4, 4) == [10, 20, 30]).all()
    palette = Image.fromarray(np.full((4, 4, 3), [10, 20, 30], np.uint8)).convert("P", palette=Image.Palette.ADAPTIVE)
    palette.save(tmp_path / "palette.png", transparency=b"\x00\x80")
    assert (decode(tmp_path / "palette.png", 4, 4) == [10, 20, 30]).all()


@pytest.mark.parametrize("content", [b"no image", b"", None])
def test_a_damaged_image_is_named_and_nothing_is_written(tree, content):
    path = tree / "train" / "bee" / "4.png"
    noise = GENERATOR.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    path.write_bytes(save(path, noise).read_bytes()[:900] if content is None else content)
    split = load(spec_of(tree))["train"]
    with pytest.raises(UserError) as caught:
        write(split, tree / "out" / "train.zarr.zip")
    assert str(path) in str(caught.value)
    assert not list((tree / "out").iterdir())


def test_sixteen_bits_are_refused_rather_than_clipped(tmp_path):
    path = save(tmp_path / "deep.png", np.full((4, 4), 40_000, np.uint16))
    with pytest.raises(UserError, match=r"8 bits per channel"):
        decode(path, 4, 4)


def test_wrong_trees_are_named(tree):
    assert "does not exist" in error_of(spec_of(tree / "none"))
    assert "no class folders" in error_of(spec_of(tree / "train" / "ant", test_fraction=0.5, split_seed=0))


@pytest.mark.parametrize(("there", "lacking"), [("train", "test"), ("test", "train")])
def test_a_class_of_one_tree_only_is_named_unless_it_is_left_out(tree, there, lacking):
    for number in range(2):
        save(tree / there / "ape" / f"{number}.png", np.zeros((4, 4), np.uint8))
    splits = load(spec_of(tree))
    assert splits[there].class_names == splits[lacking].class_names == ("ant", "ape", "bee")
    assert splits[lacking].labels.tolist() == [0, 0, 0, 2, 2, 2]
    with pytest.raises(UserError, match="class ape") as caught:
        write(splits[lacking], tree / "out.zarr.zip")
    assert str(tree / lacking) in str(caught.value)
    kept = load(spec_of(tree, classes=["ant", "bee"]))[lacking]
    write(kept, tree / "out.zarr.zip")
    assert kept.labels.tolist() == [0, 0, 0, 1, 1, 1]
