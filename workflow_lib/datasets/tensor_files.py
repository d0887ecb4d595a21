"""Named arrays from the user's .npy, .pt, .safetensors and .h5ad files; no code in them is ever run."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from workflow_lib.datasets.anndata_files import open_anndata
from workflow_lib.datasets.files import ArrayFile, damaged, open_arrays, require_file
from workflow_lib.errors import UserError
from workflow_lib.optional import optional

SINGLE: Final = "features"
"""Name of the array of a file that holds one without a name."""


def open_tensors(path: Path) -> ArrayFile:
    """Open a file of arrays of any kind; `get` reads a slice on request, but `.pt` and `.npz` are read as a whole.

    Raises:
        UserError: no such file, another kind of file, a damaged one, or a package that is missing.
    """
    opener = OPENERS.get(path.suffix)
    if opener is None:
        return open_arrays(path)
    require_file(path, tuple(OPENERS))
    try:
        return opener(path)
    except UserError:
        raise
    except Exception as error:  # NumPy, torch and HDF5 raise errors of many kinds
        raise UserError(damaged(str(path), error)) from error


class _Mapped:
    """The array of an .npy file, of which slices are read.

    The file is mapped for each slice anew: pages of a mapped file count as memory of the process until it is closed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        array = self._array()
        self.shape, self.dtype = array.shape, array.dtype

    def _array(self) -> Any:
        return np.load(self._path, mmap_mode="r", allow_pickle=False)

    def __getitem__(self, rows: Any) -> Any:
        return np.array(self._array()[rows])


def _npy(path: Path) -> ArrayFile:
    return ArrayFile(path, (SINGLE,), {SINGLE: _Mapped(path)}.__getitem__)


def _torch(path: Path) -> ArrayFile:
    content = importlib.import_module("torch").load(path, map_location="cpu", weights_only=True)
    arrays = content if isinstance(content, Mapping) else {SINGLE: content}
    return ArrayFile(path, tuple(map(str, arrays)), lambda name: _numpy(arrays[name]))


class _Slices:
    """An array of a .safetensors file, of which slices are read."""

    def __init__(self, stored: Any) -> None:
        self._stored = stored
        self.shape = tuple(stored.get_shape())
        self.dtype = _numpy(stored[:0]).dtype

    def __getitem__(self, rows: Any) -> Any:
        return _numpy(self._stored[:] if rows is ... else self._stored[rows])


def _safetensors(path: Path) -> ArrayFile:
    file = optional("safetensors", "safetensors").safe_open(path, framework="pt")
    return ArrayFile(path, tuple(file.keys()), lambda name: _Slices(file.get_slice(name)))


def _numpy(values: Any) -> Any:
    """A tensor or list as an array; float32 for bfloat16, which NumPy does not have."""
    if not hasattr(values, "detach"):
        return np.asarray(values)
    tensor = values.detach()
    return (tensor.float() if tensor.is_floating_point() and tensor.itemsize < 4 else tensor).numpy()


OPENERS: Final = {".npy": _npy, ".pt": _torch, ".pth": _torch, ".safetensors": _safetensors, ".h5ad": open_anndata}
