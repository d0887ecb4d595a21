"""Images and labels from .npz or Zarr files: one file for train and one for test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_lib.datasets.files import open_arrays, require_names
from workflow_lib.datasets.image_arrays import array_split
from workflow_lib.datasets.labels import encode, texts
from workflow_lib.datasets.split import Split, numbered, strings


def read_arrays(spec: Mapping[str, Any]) -> dict[str, Split]:
    """Splits from the files `train` and `test`.

    The keys `images` (axes in the order of `layout`) and `labels` (numbers or text) name the arrays of each file. A
    file may also hold `ids` and `class_names`; the class names of the train file are used. A Zarr file is read block
    by block, an .npz file all at once.

    Raises:
        UserError: files or arrays missing or damaged, labels outside the classes, unsupported images.
    """
    files = {name: open_arrays(Path(spec[name])) for name in ("train", "test")}
    train = files["train"]
    for file in files.values():
        require_names(file.path, {key: spec[key] for key in ("images", "labels")}, file.names)
    labels, class_names = encode(
        [(str(file.path), file.read(spec["labels"])) for file in files.values()],
        texts(train.read("class_names"), f"{train.path}: class_names") if "class_names" in train.names else None,
    )
    return {
        name: array_split(
            file.lazy(spec["images"]),
            part,
            strings(texts(file.read("ids"), f"{file.path}: ids")) if "ids" in file.names else numbered(name, len(part)),
            class_names,
            layout=spec["layout"],
            source="arrays",
            origin=str(file.path),
        )
        for (name, file), part in zip(files.items(), labels, strict=True)
    }
