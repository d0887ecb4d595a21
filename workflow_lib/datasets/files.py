"""Named arrays from the user's .npz and Zarr files; nothing is ever unpickled."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.labels import SHOWN
from workflow_lib.datasets.zarr_groups import open_group, python_objects, without_names
from workflow_lib.errors import Problem, UserError, listed, nearest

SUFFIXES = (".npz", ".zarr", ".zarr.zip")


@dataclass(frozen=True)
class ArrayFile:
    """An opened file of named arrays.

    Attributes:
        path: the file.
        names: names of its arrays.
        get: array by name, in memory (.npz) or read on request (Zarr).
    """

    path: Path
    names: tuple[str, ...]
    get: Callable[[str], Any]

    def lazy(self, name: str) -> Any:
        """Array `name` with `.shape`, `.dtype` and `array[rows]`; a Zarr array is not read yet.

        Raises:
            UserError: damaged data, or Python objects instead of numbers or text.
        """
        try:
            return self.get(name)
        except UserError:
            raise
        except Exception as error:  # zipfile, zarr and their codecs raise errors of many kinds
            if "allow_pickle" in str(error):
                raise UserError(python_objects(self.path, name)) from error
            raise UserError(damaged(str(self.path), error)) from error

    def read(self, name: str) -> NDArray[Any]:
        """Array `name` in memory; raises like `lazy`."""
        array = self.lazy(name)
        try:
            return np.asarray(array[...])
        except Exception as error:  # see lazy
            raise UserError(damaged(str(self.path), error)) from error


def open_arrays(path: Path) -> ArrayFile:
    """Open an .npz file or a Zarr group (folder or .zarr.zip).

    Raises:
        UserError: no such file, another kind of file, or a damaged one.
    """
    require_file(path, SUFFIXES)
    try:
        if path.suffix == ".npz":
            return _open_npz(path)
        group = open_group(path)
        return ArrayFile(path, tuple(group.arrays), group.get)
    except UserError:
        raise
    except Exception as error:  # see ArrayFile.lazy
        raise UserError(damaged(str(path), error)) from error


def _open_npz(path: Path) -> ArrayFile:
    with _archive(path) as archive:
        names = tuple(archive)

    def get(name: str) -> Any:
        with _archive(path) as archive:
            return archive[name]

    return ArrayFile(path, names, get)


@contextlib.contextmanager
def _archive(path: Path) -> Iterator[Mapping[str, Any]]:
    with path.open("rb") as file:  # given a path, NumPy would leave a damaged file open
        archive = np.load(file, allow_pickle=False)
        if not isinstance(archive, Mapping):
            raise UserError(without_names(path))
        yield archive


def require_file(path: Path, suffixes: tuple[str, ...]) -> None:
    """Raise UserError unless `path` exists and ends in one of the suffixes."""
    if not path.exists():
        raise UserError(Problem(str(path), "", "the file does not exist", "correct the path in the config"))
    if not path.name.endswith(suffixes):
        allowed = f"the name ends in none of {', '.join(suffixes)}"
        raise UserError(Problem(str(path), "", allowed, "save the arrays in one of these formats"))


def damaged(origin: str, error: Exception) -> Problem:
    """The problem of a user's file that exists but cannot be read."""
    return Problem(origin, f"{type(error).__name__}: {error}", "the file cannot be read", "save it again")


def require_names(path: Path, names: Mapping[str, str], available: Sequence[str]) -> None:
    """Raise a UserError that lists all `names`, by their keys in the config, that are not `available` in the file."""
    problems = []
    for key, name in names.items():
        if name not in available:
            allowed = f"the file has {listed(sorted(available), SHOWN)}"
            such = nearest(name, available) or next(iter(available), None)
            repair = f"choose a name of the file, such as {key}: {such}" if such else "save it there"
            problems.append(Problem(str(path), f"{key}: {name}", allowed, repair))
    if problems:
        raise UserError(*problems)
