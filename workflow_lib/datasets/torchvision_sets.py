"""CIFAR-10, CIFAR-100 and Fashion-MNIST from the files that torchvision reads."""

import gzip
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workflow_lib.datasets.image_arrays import array_split
from workflow_lib.datasets.split import Split, numbered
from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.models.torchvision_shim import import_torchvision

CLASSES = {"cifar10": "CIFAR10", "cifar100": "CIFAR100", "fashion_mnist": "FashionMNIST"}


def read_torchvision(spec: Mapping[str, Any]) -> dict[str, Split]:
    """The official train and test splits; ids "train-00000", ... in the official order, pixels uint8.

    Raises:
        UserError: files are missing (the error names the expected path) or damaged, or the download failed.
    """
    return {name: _read(spec, name) for name in ("train", "test")}


def _read(spec: Mapping[str, Any], name: str) -> Split:
    data = _open(spec, name)
    labels = np.asarray(data.targets, dtype=np.int64)
    return array_split(
        np.asarray(data.data),
        labels,
        numbered(name, len(labels)),
        tuple(data.classes),
        layout="NHWC",
        source=spec["source"],
        origin=f"{spec['source']} {name}",
    )


def _open(spec: Mapping[str, Any], name: str) -> Any:
    kind = getattr(import_torchvision().datasets, CLASSES[spec["source"]])
    root = Path(spec["root"])
    missing = [path for path in _files(kind, root) if not path.is_file()]
    if missing and not spec["download"]:
        raise UserError(
            Problem(
                f"{spec['source']}: root",
                spec["root"],
                f"the data set is not there: no file {missing[0]}",
                "correct root, or set download: true to fetch it",
            )
        )
    if kind.__name__ == "FashionMNIST":
        _check_fashion_mnist(kind, root / kind.__name__)
    try:
        return kind(root, train=name == "train", download=spec["download"])
    except Exception as error:  # torchvision passes on all errors of the network, unpickling and parsing
        raise UserError(_failed(spec, root, error, downloading=bool(missing))) from error


def _files(kind: Any, root: Path) -> list[Path]:
    """Every file that torchvision expects in `root`."""
    if kind.__name__ == "FashionMNIST":
        folder = root / kind.__name__ / "raw"
        return [folder / Path(url).stem for url, _ in kind.resources]
    listed = [*kind.train_list, *kind.test_list, (kind.meta["filename"], kind.meta["md5"])]
    return [root / kind.base_folder / name for name, _ in listed]


def _check_fashion_mnist(kind: Any, folder: Path) -> None:
    """Raise UserError for unpacked files that differ from the official archives beside them.

    torchvision looks at the checksums of the others itself. Unpacked files without archives are part of the spec.
    """
    problems = []
    files = [(folder / "raw" / name, md5) for name, md5 in kind.resources]
    wrong = [archive.with_suffix("") for archive, md5 in files if archive.is_file() and not _is_official(archive, md5)]
    if wrong:
        repair = "delete them and their archives, and set download: true"
        problems.append(
            Problem(listed(wrong), "", "these files, or their archives, differ from the official ones", repair)
        )
    old = folder / "processed"
    if any(old.glob("*.pt")):
        allowed = "torchvision would read the files of an earlier version there, which cannot be checked"
        problems.append(Problem(str(old), "", allowed, "delete this folder"))
    if problems:
        raise UserError(*problems)


def _is_official(archive: Path, md5: str) -> bool:
    """Whether an archive has this checksum, and the file beside it, if any, is its content."""
    packed, file = archive.read_bytes(), archive.with_suffix("")
    if hashlib.md5(packed, usedforsecurity=False).hexdigest() != md5:
        return False
    return not file.is_file() or file.read_bytes() == gzip.decompress(packed)


def _failed(spec: Mapping[str, Any], root: Path, error: Exception, *, downloading: bool) -> Problem:
    reason = str(error).partition(". ")[0]  # the rest is advice by torch to run code from the file
    found = f"{spec['root']} ({type(error).__name__}: {reason})"
    if downloading:
        allowed, repair = "the download failed", f"try again, or put the official files into {root} by hand"
    else:
        allowed, repair = "a file of the data set is damaged", "delete the data set there and set download: true"
    return Problem(f"{spec['source']}: root", found, allowed, repair)
