"""Trees of image files."""

import os
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.config.datasets_images import ImageFolder
from workflow_lib.datasets.artifact import open_split, unit_range
from workflow_lib.datasets.imagefolder import decode
from workflow_lib.datasets.sources import load
from workflow_lib.datasets.writing import write
from workflow_lib.errors import UserError
from workflow_lib.io import storage
from workflow_lib.models.torchvision_shim import import_torchvision
from workflow_lib.steps.prepare_dataset import prepare_dataset

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


@pytest.mark.parametrize(("resize", "crop"), [(256, 224), (224, 224), (232, 224), (40, 33), (50, 31)])
@pytest.mark.parametrize("size", [(300, 401), (401, 300), (256, 256), (33, 50), (40, 45)])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_images_are_prepared_as_torchvision_does(tmp_path, resize, crop, size, interpolation):
    """Sizes with odd margins, enlargement and no change at all; JPEG, as in ImageNet."""
    transforms = import_torchvision().transforms
    mode = transforms.InterpolationMode(interpolation)
    preset = transforms._presets.ImageClassification(crop_size=crop, resize_size=resize, interpolation=mode)
    pixels = GENERATOR.integers(0, 256, (size[0] // 8 + 1, size[1] // 8 + 1, 3), dtype=np.uint8)
    file = save(tmp_path / "a.jpg", np.repeat(np.repeat(pixels, 8, 0), 8, 1)[: size[0], : size[1]])
    with Image.open(file) as image:
        expected = preset(image.convert("RGB"))
    found = torch.from_numpy(unit_range(decode(file, crop, crop, resize, interpolation).transpose(2, 0, 1)))
    mean, std = (torch.tensor(values)[:, None, None] for values in (preset.mean, preset.std))
    torch.testing.assert_close((found - mean) / std, expected, rtol=0, atol=1e-5)


def test_the_settings_reach_the_reader(tree):
    save(tree / "test" / "ant" / "0.png", GENERATOR.integers(0, 256, (9, 6, 3), dtype=np.uint8))
    split = load(spec_of(tree, image_size=None, resize=5, crop=4))["test"]
    assert split.image_shape == (3, 4, 4)
    plain = decode(tree / "test" / "ant" / "0.png", 4, 4, 5, "bilinear").transpose(2, 0, 1)
    np.testing.assert_array_equal(split.read(np.array([0]))[0], plain)
    other = load(spec_of(tree, image_size=None, resize=5, crop=4, interpolation="bicubic"))["test"]
    assert not np.array_equal(other.read(np.array([0]))[0], plain)


def test_every_sample_may_be_one_to_test_on(tree, tmp_path):
    spec = spec_of(tree / "test", test_fraction=1, split_seed=0)
    prepare_dataset(spec=spec, train=tmp_path / "train.zarr.zip", test=tmp_path / "test.zarr.zip")
    train, test = (open_split(tmp_path / f"{name}.zarr.zip") for name in ("train", "test"))
    assert (len(train), len(test)) == (0, 6)
    assert (train.image_shape, train.class_names) == (test.image_shape, test.class_names)
    assert test.images(0, 6)[:, 0, 0, 0].tolist() == pytest.approx([number / 255 for number in range(6)])
    subsample = {"train": None, "test": 2, "seed": 0}
    prepare_dataset(spec=spec | {"subsample": subsample}, train=tmp_path / "a.zarr.zip", test=tmp_path / "b.zarr.zip")
    assert (len(open_split(tmp_path / "a.zarr.zip")), len(open_split(tmp_path / "b.zarr.zip"))) == (0, 4)


def test_a_split_that_is_empty_by_mistake_is_refused(tree, tmp_path):
    split = load(spec_of(tree))["train"]
    with pytest.raises(UserError, match="a class has no sample"):
        write(split.take(np.arange(0)), tmp_path / "train.zarr.zip")


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


def deep_png(colour_type):
    """A PNG of 4 x 4 black pixels with 16 bits per channel."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = b"\0" + bytes(4 * 2 * {0: 1, 2: 3, 4: 2, 6: 4}[colour_type])
    head = struct.pack(">IIBBBBB", 4, 4, 16, colour_type, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(4 * row)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def tiff(bits, photometric=2, sample_format=1, extra=(), pixels=None):
    """A TIFF of 2 x 2 pixels, black without `pixels`, with as many channels as `bits` has entries."""
    pixels = pixels or bytes(4 * sum(bits) // 8)
    tags = [
        *((256, [2]), (257, [2]), (258, bits), (259, [1]), (262, [photometric]), (273, [8]), (277, [len(bits)])),
        *((278, [2]), (279, [len(pixels)]), (339, [sample_format] * len(bits))),
        *([(338, extra)] if extra else []),
    ]
    entries, beyond = b"", b""
    behind = 8 + len(pixels) + 2 + 12 * len(tags) + 4
    for tag, values in sorted(tags):
        data = struct.pack(f"<{len(values)}H", *values)
        if len(data) > 4:
            data, beyond = struct.pack("<I", behind + len(beyond)), beyond + data
        entries += struct.pack("<HHI", tag, 3, len(values)) + data.ljust(4, b"\0")
    return (
        struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
        + pixels
        + struct.pack("<H", len(tags))
        + entries
        + bytes(4)
        + beyond
    )


DEEP = {
    **{f"{kind}.png": deep_png(kind) for kind in (0, 2, 4, 6)},
    "rgb.ppm": b"P6 4 4 65535\n" + bytes(96),
    "rgb12.ppm": b"P6 4 4 4095\n" + bytes(96),
    "plain.ppm": b"P3 1 1 300\n0 0 300\n",
    "grey.pgm": b"P5 4 4 65535\n" + bytes(32),
    "grey.tif": tiff([16], photometric=1),
    "rgb.tif": tiff([16, 16, 16]),
    "rgba.tif": tiff([16, 16, 16, 16], extra=[2]),
    "cmyk.tif": tiff([16, 16, 16, 16], photometric=5),
    "whole.tif": tiff([32], photometric=1),
    "float.tif": tiff([32], photometric=1, sample_format=3),
}


@pytest.mark.parametrize("name", DEEP)
def test_more_than_eight_bits_are_refused_rather_than_cut(tmp_path, name):
    (tmp_path / name).write_bytes(DEEP[name])
    with pytest.raises(UserError, match=r"8 bits per channel") as caught:
        decode(tmp_path / name, 4, 4)
    assert caught.value.problems[0].where == str(tmp_path / name)


def test_eight_bits_of_the_same_formats_are_read(tmp_path):
    for name, content in {
        "rgb.ppm": b"P6 1 1 255\n" + bytes([10, 20, 30]),
        "plain.ppm": b"P3 1 1 255\n10 20 30\n",
        "rgb.tif": tiff([8, 8, 8], pixels=bytes([10, 20, 30] * 4)),
    }.items():
        (tmp_path / name).write_bytes(content)
        assert decode(tmp_path / name, 1, 1).tolist() == [[[10, 20, 30]]], name
    (tmp_path / "four.ppm").write_bytes(b"P6 1 1 15\n" + bytes([0, 5, 15]))
    assert decode(tmp_path / "four.ppm", 1, 1).tolist() == [[[0, 85, 255]]]


def test_what_is_no_grey_or_colour_is_refused(tmp_path):
    for name, content in {
        "lab.tif": tiff([8, 8, 8], photometric=8),
        "signed.tif": tiff([8], photometric=1, sample_format=2),
        "five_bands.tif": tiff([8] * 5, extra=[0, 0]),
    }.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match="convert the file to RGB of 8 bits"):
            decode(tmp_path / name, 1, 1)


def test_inks_become_colours(tmp_path):
    for suffix in (".jpg", ".tif"):
        Image.new("CMYK", (8, 8), (0, 255, 255, 0)).save(tmp_path / f"red{suffix}", quality=100)
        red, green, blue = decode(tmp_path / f"red{suffix}", 1, 1)[0, 0].tolist()
        assert red > 250
        assert max(green, blue) < 5


def test_of_several_images_the_first_is_read_and_said_to_be(tree, capfd):
    frames = [Image.new("RGB", (4, 4), (value, 0, 0)) for value in (255, 0)]
    file = tree / "train" / "ant" / "9.tif"
    frames[0].save(file, save_all=True, append_images=frames[1:])
    save(tree / "train" / "ant" / "8.tif", np.zeros((4, 4), np.uint8))
    load(spec_of(tree))
    assert f"only the first image is read of 1 file ({file})" in capfd.readouterr().err
    assert decode(file, 1, 1).tolist() == [[[255, 0, 0]]]


def test_wrong_trees_are_named(tree):
    assert "does not exist" in error_of(spec_of(tree / "none", test_fraction=0.5))
    assert "no class folders" in error_of(spec_of(tree / "train" / "ant", test_fraction=0.5, split_seed=0))


@pytest.mark.parametrize("names", [("train", "test"), ("Train", "VAL"), ("training", "validation", "ant")])
def test_splits_are_no_classes(tree, names):
    (tree / "train").rename(tree / "first")
    (tree / "test").rename(tree / "second")
    for name in names:
        save(tree / "whole" / name / "ant" / "1.png", np.zeros((4, 4), np.uint8))
    text = error_of(spec_of(tree / "whole", test_fraction=0.5, split_seed=0))
    assert "these look like splits" in text
    assert "leave test_fraction out" in text


def test_a_class_may_be_called_train(tree):
    (tree / "train" / "ant").rename(tree / "train" / "train")
    splits = load(spec_of(tree / "train", test_fraction=0.34, split_seed=0))
    assert splits["test"].class_names == ("bee", "train")


def test_classes_are_no_splits(tree):
    text = error_of(spec_of(tree / "train"))
    assert f"{tree / 'train' / 'test'}\n" in text
    assert "there are: ant, bee" in text
    assert "set test_fraction if each folder there is a class" in text


def test_hidden_folders_are_passed_over_at_any_depth(tree):
    before = {name: split.ids.tolist() for name, split in load(spec_of(tree)).items()}
    for place in (".git", "train/.cache", "train/ant/.ipynb_checkpoints", "test/bee/more/.thumbs"):
        save(tree / place / "ant" / "x.png", np.zeros((4, 4), np.uint8))
    (tree / "train" / "bee" / ".broken.png").symlink_to("nowhere")
    assert {name: split.ids.tolist() for name, split in load(spec_of(tree)).items()} == before


def test_linked_folders_are_read_and_loops_end(tree):
    for number in range(2):
        save(tree / "elsewhere" / f"{number}.png", np.zeros((4, 4), np.uint8))
    ant = tree / "train" / "ant"
    (ant / "more").symlink_to("../../elsewhere")
    (ant / "loop").symlink_to("..")
    ids = load(spec_of(tree))["train"].ids.tolist()
    assert [name for name in ids if "ant" in name] == [
        f"train/ant/{name}.png" for name in ("0", "1", "2", "more/0", "more/1")
    ]


def test_links_that_lead_nowhere_are_counted_and_named(tree):
    for number in range(12):
        (tree / "train" / "ant" / f"link{number:02d}.png").symlink_to("../../store/x.png")
    (tree / "train" / "bee" / "more").symlink_to("../../store")
    text = error_of(spec_of(tree))
    assert "13 files; the first: ../../store/x.png" in text
    assert str(tree / "train" / "ant" / "link00.png") in text
    assert "(3 more)" in text
    assert "the link leads nowhere" in text
    assert "on_damaged: leave_out" in text


def test_a_pipe_among_the_images_is_no_image(tree):
    os.mkfifo(tree / "train" / "ant" / "x.png")
    assert "no regular file" in error_of(spec_of(tree))


def test_more_suffixes_are_read_and_other_images_are_not_lost(tree):
    for suffix in (".jfif", ".JPE"):
        save(tree / "train" / "ant" / f"x{suffix}", np.zeros((4, 4, 3), np.uint8), format="JPEG")
    ids = load(spec_of(tree))["train"].ids.tolist()
    assert {"train/ant/x.jfif", "train/ant/x.JPE"} <= set(ids)
    (tree / "train" / "ant" / "y.HEIC").write_bytes(b"photo")
    assert "y.HEIC\n    images of this kind are not read" in error_of(spec_of(tree))


def test_what_is_left_out_is_counted_and_named(tree, capfd):
    outside = save(tree / "val" / "ant" / "1.png", np.zeros((4, 4), np.uint8))
    (tree / "train" / "ant" / "notes.txt").write_text("no image")
    load(spec_of(tree))
    said = capfd.readouterr().err
    assert f"left out 2 files ({tree / 'train' / 'ant' / 'notes.txt'}, {outside})" in said


def damage(tree):
    """A file cut short, one that is no image, one of 16 bits, a link to nowhere."""
    (tree / "train" / "ant" / "0.png").write_bytes((tree / "train" / "ant" / "1.png").read_bytes()[:50])
    (tree / "train" / "bee" / "3.png").write_bytes(b"no image")
    (tree / "test" / "ant" / "deep.png").write_bytes(deep_png(2))
    (tree / "test" / "bee" / "link.png").symlink_to("nowhere")


def test_all_damaged_images_are_named_at_once(tree):
    damage(tree)
    text = error_of(spec_of(tree))
    (tree / "test" / "bee" / "link.png").unlink()
    split = load(spec_of(tree))["train"]
    with pytest.raises(UserError) as caught:
        split.read(np.arange(len(split)))
    for said in (text, str(caught.value)):
        assert f"{tree}/train/ant/0.png, {tree}/train/bee/3.png: 2 files; the first: " in said
        assert f"{tree}/test/ant/deep.png: 16 bits" in said
        assert "on_damaged: leave_out" in said
    assert text.startswith("3 problems")


def test_damaged_images_are_left_out_on_purpose(tree, capfd):
    damage(tree)
    splits = load(spec_of(tree, on_damaged="leave_out"))
    assert splits["train"].ids.tolist() == [f"train/{name}.png" for name in ("ant/1", "ant/2", "bee/4", "bee/5")]
    assert splits["test"].ids.tolist() == load(spec_of(tree, on_damaged="leave_out"))["test"].ids.tolist()
    assert len(splits["test"]) == 6
    for split in splits.values():
        split.read(np.arange(len(split)))
    names = [
        str(tree / name) for name in ("test/ant/deep.png", "test/bee/link.png", "train/ant/0.png", "train/bee/3.png")
    ]
    said = capfd.readouterr().err
    assert all(name in said for name in names)
    write(splits["train"], tree / "out.zarr.zip")
    assert storage.load(tree / "out.zarr.zip").attrs["left_out"] == f"4 files ({', '.join(names)})"


def test_damaged_images_may_have_names_that_are_not_unicode(tree):
    (tree / "train" / "ant" / os.fsdecode(b"\xff.png")).touch()
    split = load(spec_of(tree, on_damaged="leave_out"))["train"]
    write(split, tree / "out.zarr.zip")
    assert "ant/\\udcff.png" in storage.load(tree / "out.zarr.zip").attrs["left_out"]


def test_classes_that_are_not_kept_are_not_looked_at(tree):
    for part in ("train", "test"):
        (tree / part / "cow").mkdir()
        (tree / part / "cow" / "1.png").symlink_to("nowhere")
    whole = load(spec_of(tree, classes=["ant", "bee"]))["test"]
    assert whole.ids.tolist()[0] == "test/ant/0.png"
    one = load(spec_of(tree / "train", superclasses={"a": ["ant"], "b": ["bee"]}, test_fraction=0.34, split_seed=0))
    assert sorted(one["train"].ids.tolist() + one["test"].ids.tolist()) == [
        f"{name}.png" for name in ("ant/0", "ant/1", "ant/2", "bee/3", "bee/4", "bee/5")
    ]
    assert "link leads nowhere" in error_of(spec_of(tree, classes=["ant", "cow"]))


def test_an_empty_class_folder_is_an_error(tree):
    (tree / "train" / "cow").mkdir()
    with pytest.raises(UserError, match="class cow"):
        write(load(spec_of(tree))["train"], tree / "out.zarr.zip")
    one = load(spec_of(tree / "train", test_fraction=0.34, split_seed=0))["train"]
    assert one.class_names == ("ant", "bee", "cow")


def test_the_digest_is_of_what_is_read(tree):
    def digest():
        return DigestMemory(tree.with_name("memory")).digest(tree, hidden=ImageFolder.reads_hidden)

    first = digest()
    save(tree / "train" / "ant" / ".ipynb_checkpoints" / "0.png", np.zeros((4, 4), np.uint8))
    assert digest() == first
    (tree / "train" / "cow").mkdir()
    (tree / "train" / "cow" / ".keep").touch()
    with_empty = digest()
    assert with_empty != first
    (tree / "train" / "cow" / "1.png").symlink_to("../../../elsewhere.png")
    broken = digest()
    assert broken != with_empty
    save(tree.with_name("elsewhere.png"), np.zeros((4, 4), np.uint8))
    assert digest() != broken


def test_the_digest_of_another_folder_is_of_its_hidden_files_too(tmp_path):
    store = tmp_path / "x.zarr"
    store.mkdir()
    (store / ".zarray").write_text("{}")
    first = DigestMemory(tmp_path / "memory").digest(store)
    (store / ".zarray").write_text("{ }")
    assert DigestMemory(tmp_path / "memory").digest(store) != first


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
