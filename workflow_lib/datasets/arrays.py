"""Images and labels from .npz or Zarr files, one file for each of train and test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_lib.datasets.files import open_arrays
from workflow_lib.datasets.image_arrays import array_split
from workflow_lib.datasets.labels import encode
from workflow_lib.datasets.split import Split, numbered, strings


def read_arrays(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits from the files `train` and `test`.

    Each file holds the arrays named by `images` (axes as `layout` says) and `labels` (numbers or text) and may
    hold `ids` and `class_names` (those of train count). A Zarr file is read block by block, an .npz as a whole.

    Raises:
        UserError: files or arrays missing or damaged, labels outside the classes, images of an unknown form.
    """
    files = {name: open_arrays(Path(spec[name])) for name in ("train", "test")}
    labels, class_names = encode(
        [(str(file.path), file.read(spec["labels"])) for file in files.values()],
        files["train"].read("class_names") if "class_names" in files["train"].names else None,
    )
    return {
        name: array_split(
            file.lazy(spec["images"]),
            part,
            strings(file.read("ids")) if "ids" in file.names else numbered(name, len(part)),
            class_names,
            layout=spec["layout"],
            source="arrays",
            origin=str(file.path),
        )
        for (name, file), part in zip(files.items(), labels, strict=True)
    }
