"""Image files in one folder per class, decoded block by block."""

import sys
import unicodedata
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.image_tree import SHOWN, ImageTree, look_through, merged
from workflow_lib.datasets.selection import train_and_test
from workflow_lib.datasets.split import Rows, Split, strings
from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.progress import bar

if TYPE_CHECKING:
    from PIL.Image import Image, Resampling
    from PIL.ImageFile import ImageFile

FORMATS = ("BMP", "DIB", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
EIGHT_BIT_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr")
SEVERAL = (".apng", ".gif", ".tif", ".tiff", ".webp")
"""Suffixes of files that may hold several images."""
BITS_PER_SAMPLE, SAMPLE_FORMAT = 258, 339
"""Tags of TIFF."""
DECODERS = 4
"""Number of threads. Pillow decodes without Python's lock; the number does not change the pixels."""


def read_imagefolder(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits from `root/train/<class>/...` and `root/test/<class>/...`, or from `root/<class>/...` and `test_fraction`.

    Images become RGB uint8 of `image_size` (height, width): scaled until they cover this size, then cropped to the
    centre. Or the shorter side is scaled to `resize`, and the centre of `crop` x `crop` pixels is taken. With a
    `test_fraction` of 1 the training split is empty. The classes are the sorted names of the class folders; ids are
    paths relative to `root`. What is left out is counted and named on standard error.

    Raises:
        UserError: a folder is missing, has no class folders or is a split in place of a class; or, unless
            `on_damaged` is "leave_out", images cannot be used. All of them are named, at the latest when the first is
            read.
    """
    root = Path(spec["root"])
    parted = spec.get("test_fraction") is None
    tree = look_through([root / "train", root / "test"] if parted else [root], root, wanted_classes(spec))
    _report(root, tree)
    left_out = ""
    if spec.get("on_damaged") == "leave_out":
        left_out = _leave_out_unusable(tree)
    elif tree.unusable:
        raise _all_unusable(tree)
    if parted:
        splits = {name: _split(root, root / name, tree, spec) for name in ("train", "test")}
    else:
        splits = train_and_test(_split(root, root, tree, spec), spec)
    return {name: replace(split, left_out=left_out) for name, split in splits.items()}


def wanted_classes(spec: Mapping[str, Any]) -> set[str]:
    """Classes of the source that the spec keeps, in composed form (NFC); none if it keeps all."""
    groups = spec.get("superclasses") or {"": spec.get("classes") or ()}
    return {unicodedata.normalize("NFC", name) for members in groups.values() for name in members}


def _split(root: Path, folder: Path, tree: ImageTree, spec: Mapping[str, Any]) -> Split:
    class_names = sorted({place.name for place in tree.classes})
    members = [tree.classes.get(folder / name, []) for name in class_names]
    files = [file for images in members for file in images]
    height, width = spec.get("image_size") or (spec["crop"], spec["crop"])
    resize = spec.get("resize")
    interpolation = spec.get("interpolation") or ("bilinear" if resize else "bicubic")

    def read(rows: Rows) -> NDArray[np.uint8]:
        try:
            with ThreadPoolExecutor(DECODERS) as pool:
                block = list(pool.map(lambda row: decode(files[row], height, width, resize, interpolation), rows))
        except UserError as error:
            raise _all_unusable(tree, error) from error
        return np.stack(block).transpose(0, 3, 1, 2)

    return Split(
        source="imagefolder",
        origin=str(folder),
        labels=np.repeat(np.arange(len(members)), [len(images) for images in members]),
        ids=strings(file.relative_to(root).as_posix() for file in files),
        class_names=tuple(class_names),
        image_shape=(3, height, width),
        dtype=np.dtype(np.uint8),
        read=read,
    )


def _report(root: Path, tree: ImageTree) -> None:
    """Say what is left out though it is no mistake."""
    if tree.others:
        print(f"{root}: left out {_counted(tree.others)}: no images, or in no class folder", file=sys.stderr)
    may = [file for file in tree.images if file.suffix.lower() in SEVERAL]
    with ThreadPoolExecutor(DECODERS) as pool:
        several = [file for file, more in zip(may, pool.map(_has_several, may), strict=True) if more]
    if several:
        print(f"{root}: only the first image is read of {_counted(several)}", file=sys.stderr)


def _counted(files: Sequence[object]) -> str:
    """The number of files and the first names; bytes that are not Unicode become escapes."""
    names = listed(files, SHOWN).encode("utf-8", "backslashreplace").decode("utf-8")
    return f"{len(files)} {'file' if len(files) == 1 else 'files'} ({names})"


def _has_several(file: Path) -> bool:
    from PIL import Image

    try:
        with Image.open(file, formats=FORMATS) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # what is wrong with it is said when it is decoded
        return False


def _leave_out_unusable(tree: ImageTree) -> str:
    """Take the images that cannot be used out of the tree, and say which they are; returns how many, with names."""
    problems = [*tree.unusable, *_undecodable(tree.images)]
    damaged = {problem.where for problem in problems}
    for members in tree.classes.values():
        members[:] = [file for file in members if str(file) not in damaged]
    for problem in merged(problems):
        print(f"left out: {problem.where}: {problem.value} ({problem.allowed})", file=sys.stderr)
    return _counted(sorted(damaged)) if damaged else ""


def _all_unusable(tree: ImageTree, first: UserError | None = None) -> UserError:
    """The error with every image that cannot be used, after all have been decoded."""
    where, _, allowed, _ = (first.problems if first else tree.unusable)[0]
    print(f"{where}: {allowed}; now all images are looked through, to name all such files", file=sys.stderr)
    repair = "or, to go on without such files, write on_damaged: leave_out"
    problems = merged([*tree.unusable, *_undecodable(tree.images)])
    return UserError(*(problem._replace(repair=f"{problem.repair}; {repair}") for problem in problems))


def _undecodable(files: Sequence[Path]) -> list[Problem]:
    """The problem of each image that cannot be used."""

    def problems(file: Path) -> Sequence[Problem]:
        try:
            decode(file, 1, 1)
        except UserError as error:
            return error.problems
        return ()

    found: list[Problem] = []
    progress = bar("images looked through")
    with ThreadPoolExecutor(DECODERS) as pool:
        for done, more in enumerate(pool.map(problems, files), 1):
            found.extend(more)
            progress(done, len(files))
    return found


def decode(
    file: Path, height: int, width: int, resize: int | None = None, interpolation: str = "bicubic"
) -> NDArray[np.uint8]:
    """One image (height, width, 3) uint8: scaled until it covers this size, then cropped to the centre.

    With `resize` the shorter side is scaled to it instead, and the longer one in proportion, rounded down, as
    torchvision does. `interpolation` is bilinear or bicubic; Pillow smooths what it makes smaller.

    Transparency, colour profiles and the camera's orientation tag are ignored. Of several images in a file the first
    is used.

    Raises:
        UserError: the file is damaged, or its pixels are not colours or grey levels of 8 bits.
    """
    from PIL import Image

    try:
        with Image.open(file, formats=FORMATS) as image:
            wrong = _unfit(image)
            if not wrong:
                colour = image.convert("RGBA" if "transparency" in image.info else "RGB").convert("RGB")
                return np.asarray(_fitted(colour, (width, height), resize, Image.Resampling[interpolation.upper()]))
    except Exception as error:  # decoders raise errors of many kinds: OSError, SyntaxError, zlib.error, ...
        found = f"{type(error).__name__}: {error}"
        repair = "replace the file, or remove it from the data set"
        raise UserError(Problem(str(file), found, "the image cannot be read", repair)) from error
    raise UserError(Problem(str(file), *wrong))


def _fitted(image: "Image", size: tuple[int, int], resize: int | None, interpolation: "Resampling") -> "Image":
    """The image scaled and cropped to `size` (width, height)."""
    from PIL import ImageOps

    if resize is None:
        return ImageOps.fit(image, size, interpolation)
    shorter = min(image.size)
    width, height = (int(resize * side / shorter) for side in image.size)
    left, top = round((width - size[0]) / 2), round((height - size[1]) / 2)
    return image.resize((width, height), interpolation).crop((left, top, left + size[0], top + size[1]))


def _unfit(image: "ImageFile") -> tuple[str, str, str] | None:
    """What is found, allowed and to do, if the pixels are not colours or grey levels of 8 bits."""
    bits = _bits(image)
    if bits > 8:
        return f"{bits} bits", "images have 8 bits per channel", "convert the file to 8 bits"
    if image.mode not in EIGHT_BIT_MODES:
        found = f"Pillow mode {image.mode}"
        return found, "images have 8 bits per channel and are grey, RGB or CMYK", "convert the file to RGB of 8 bits"
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        if len(tags.get(BITS_PER_SAMPLE, ())) > 4 or set(tags.get(SAMPLE_FORMAT, ())) - {1}:
            return "", "images have up to 4 channels of whole numbers from 0", "convert the file to RGB of 8 bits"
    return None


def _bits(image: "ImageFile") -> int:
    """Bits per channel in the file. Of colour with more than 8 Pillow keeps the upper ones, which its mode hides."""
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(BITS_PER_SAMPLE, (1,))))  # type: ignore[attr-defined]
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return 32 if image.mode == "F" else 16
    arguments = image.tile[0][3] if image.tile else ()
    rawmode, *rest = (arguments,) if isinstance(arguments, str) else arguments or ("",)
    if image.format == "PPM" and rest:
        return int(rest[0]).bit_length()
    return 16 if ";16" in str(rawmode) and image.format == "PNG" else 8
