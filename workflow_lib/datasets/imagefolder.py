"""Image files in one folder per class, decoded block by block."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.selection import train_and_test
from workflow_lib.datasets.split import Rows, Split, strings
from workflow_lib.errors import Problem, UserError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
EIGHT_BIT_MODES = ("1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
DECODERS = 4
"""Number of threads. Pillow decodes without Python's lock; the number does not change the pixels."""


def read_imagefolder(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits from `root/train/<class>/...` and `root/test/<class>/...`, or from `root/<class>/...` and `test_fraction`.

    Images become RGB uint8 of `image_size` (height, width): scaled (bicubic) until they cover this size, then cropped
    to the centre. The classes are the sorted names of the class folders; ids are paths relative to `root`.

    Raises:
        UserError: a folder is missing or has no class folders.
    """
    root = Path(spec["root"])
    if spec.get("test_fraction") is not None:
        return train_and_test(_split(root, root, list_images(root), spec), spec)
    trees = {name: list_images(root / name) for name in ("train", "test")}
    class_names = sorted(trees["train"] | trees["test"])
    return {
        name: _split(root, root / name, {label: tree.get(label, []) for label in class_names}, spec)
        for name, tree in trees.items()
    }


def _split(root: Path, folder: Path, images: Mapping[str, Sequence[Path]], spec: Mapping[str, Any]) -> Split:
    files = [file for members in images.values() for file in members]
    height, width = spec["image_size"]

    def read(rows: Rows) -> NDArray[np.uint8]:
        with ThreadPoolExecutor(DECODERS) as pool:
            block = list(pool.map(lambda row: decode(files[row], height, width), rows))
        return np.stack(block).transpose(0, 3, 1, 2)

    return Split(
        source="imagefolder",
        origin=str(folder),
        labels=np.repeat(np.arange(len(images)), [len(members) for members in images.values()]),
        ids=strings(file.relative_to(root).as_posix() for file in files),
        class_names=tuple(images),
        image_shape=(3, height, width),
        dtype=np.dtype(np.uint8),
        read=read,
    )


def list_images(folder: Path) -> dict[str, list[Path]]:
    """Sorted image files in each class folder of `folder`; hidden files and other suffixes are skipped.

    Raises:
        UserError: the folder is missing or has no class folders.
    """
    classes = sorted(path for path in folder.glob("*") if path.is_dir() and not path.name.startswith("."))
    if not classes:
        state = "has no class folders" if folder.is_dir() else "does not exist"
        raise UserError(Problem(str(folder), "", f"the folder {state}", "make one folder of images per class there"))
    return {path.name: _images_below(path) for path in classes}


def _images_below(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(path for path in files if not path.name.startswith("."))


def decode(file: Path, height: int, width: int) -> NDArray[np.uint8]:
    """One image (height, width, 3) uint8: scaled (bicubic) until it covers this size, then cropped to the centre.

    Transparency and the camera's orientation tag are ignored. Of an animation the first frame is used.

    Raises:
        UserError: the file is damaged, or has more than 8 bits per channel (its full scale is unknown).
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(file) as image:
            mode = image.mode
            if mode in EIGHT_BIT_MODES:
                colour = image.convert("RGBA" if "transparency" in image.info else "RGB").convert("RGB")
                return np.asarray(ImageOps.fit(colour, (width, height), Image.Resampling.BICUBIC))
    except Exception as error:  # decoders raise errors of many kinds: OSError, SyntaxError, zlib.error, ...
        raise UserError(
            Problem(
                str(file),
                f"{type(error).__name__}: {error}",
                "the image cannot be read",
                "replace the file, or remove it from the data set",
            )
        ) from error
    raise UserError(
        Problem(str(file), f"Pillow mode {mode}", "images have 8 bits per channel", "convert the file to 8 bits")
    )
