"""Named arrays from the user's .npy, .pt, .safetensors and .h5ad files; no code in them is ever run."""

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from workflow_lib.datasets.files import ArrayFile, damaged, open_arrays, require_file
from workflow_lib.datasets.optional import optional
from workflow_lib.errors import Problem, UserError

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


def _npy(path: Path) -> ArrayFile:
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    return ArrayFile(path, (SINGLE,), {SINGLE: array}.__getitem__)


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


def _anndata(path: Path) -> ArrayFile:
    """Matrices of `obsm`, X if it is dense, and columns of `obs`, each by its own name."""
    file = optional("h5py", "anndata").File(path, "r")
    obs, matrices = file["obs"], dict(file.get("obsm", {}))
    if "X" in file:
        matrices["X"] = file["X"]

    def get(name: str) -> Any:
        if name in matrices:
            return _dense(path, name, matrices[name])
        column = obs[name]
        if "codes" not in column:  # a plain column
            return column.asstr()[...] if column.dtype.kind == "O" else column[...]
        codes, categories = column["codes"][...], column["categories"]
        words = categories.asstr()[...] if categories.dtype.kind == "O" else categories[...]
        if (codes < 0).any():
            found = f"row {int(np.flatnonzero(codes < 0)[0])} of {name}"
            raise UserError(Problem(str(path), found, "has no category", "leave these rows out, or fill them"))
        return words[codes].astype(str) if words.dtype.kind == "O" else words[codes]

    index = obs.attrs.get("_index", "_index")
    columns = dict.fromkeys([*obs, index])
    return ArrayFile(path, (*matrices, *(name for name in columns if name != "__categories")), get)


def _dense(path: Path, name: str, matrix: Any) -> Any:
    if not hasattr(matrix, "shape"):
        allowed = "is sparse or a table, and a dense matrix is wanted"
        raise UserError(Problem(str(path), name, allowed, "name a dense one of obsm, such as X_pca, or save it as one"))
    return matrix


OPENERS: Final = {".npy": _npy, ".pt": _torch, ".pth": _torch, ".safetensors": _safetensors, ".h5ad": _anndata}
