"""Matrices and columns of cells from the user's .h5ad files, as AnnData writes them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.files import ArrayFile
from workflow_lib.datasets.labels import SHOWN
from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.optional import optional


class SparseRows:
    """A sparse matrix of which slices are read, as dense arrays.

    Attributes:
        shape: (N, d).
        dtype: of the matrix.
    """

    def __init__(self, stored: Any) -> None:
        self.shape = tuple(int(length) for length in stored.attrs["shape"])
        self.dtype = stored["data"].dtype
        self._values, self._columns = stored["data"], stored["indices"]
        self._starts: NDArray[np.int64] = stored["indptr"][...].astype(np.int64)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        start, stop, _ = (slice(None) if rows is ... else rows).indices(self.shape[0])
        starts = self._starts[start : stop + 1]
        stored = slice(starts[0], starts[-1])
        block = np.zeros((len(starts) - 1, self.shape[1]), self.dtype)
        row = np.repeat(np.arange(len(block)), np.diff(starts))
        np.add.at(block, (row, self._columns[stored]), self._values[stored])
        return block


def open_anndata(path: Path) -> ArrayFile:
    """Matrices of `obsm`, X, and columns of `obs`, each by its own name.

    Raises:
        UserError: h5py is not installed, or the file is of AnnData before 0.7.
    """
    file = optional("h5py", "anndata").File(path, "r")
    obs, matrices = file["obs"], dict(file.get("obsm", {}))
    if hasattr(obs, "dtype"):
        repair = "open it with a newer AnnData and write it again"
        raise UserError(Problem(str(path), "obs", "is stored as AnnData did before version 0.7", repair))
    if "X" in file:
        matrices["X"] = file["X"]
    columns = dict.fromkeys([*obs, obs.attrs.get("_index", "_index")])

    def get(name: str) -> Any:
        return _matrix(path, name, matrices[name]) if name in matrices else _column(path, name, obs[name])

    return ArrayFile(path, (*matrices, *(name for name in columns if name != "__categories")), get)


def _matrix(path: Path, name: str, stored: Any) -> Any:
    """A matrix with `.shape`, `.dtype` and slices of rows."""
    kind = stored.attrs.get("encoding-type", "")
    if kind == "csr_matrix":
        return SparseRows(stored)
    if not hasattr(stored, "dtype"):
        allowed = f"is stored as {kind or 'a group'}, and a dense matrix or a sparse one in rows (CSR) is wanted"
        raise UserError(Problem(str(path), name, allowed, "save it as one, or name another, such as X_pca"))
    return stored


def _column(path: Path, name: str, stored: Any) -> NDArray[Any]:
    """A column (N,): plain, categorical or with a mask of missing values.

    Raises:
        UserError: values are missing.
    """
    if not hasattr(stored, "dtype") and "mask" in stored:
        _require_all(path, name, stored["mask"][...])
        return _column(path, name, stored["values"])
    if not hasattr(stored, "dtype"):
        return _of_categories(path, name, stored["codes"][...], stored["categories"])
    if "categories" in stored.attrs:  # as AnnData wrote them before 0.8
        return _of_categories(path, name, stored[...], stored.file[stored.attrs["categories"]])
    values: NDArray[Any] = stored.asstr()[...] if stored.dtype.kind == "O" else stored[...]
    return values


def _of_categories(path: Path, name: str, codes: NDArray[Any], categories: Any) -> NDArray[Any]:
    _require_all(path, name, codes < 0)
    values: NDArray[Any] = _column(path, name, categories)[codes]
    return values


def _require_all(path: Path, name: str, is_missing: NDArray[np.bool_]) -> None:
    rows = np.flatnonzero(is_missing).tolist()
    if rows:
        found = f"{len(rows)} {'row' if len(rows) == 1 else 'rows'} of {name}: {listed(rows, SHOWN)}"
        raise UserError(Problem(str(path), found, "has no value there", "leave these rows out, or fill them"))
