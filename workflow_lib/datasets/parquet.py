"""Features and labels from the user's Parquet files; features are read a group of rows at a time."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.files import damaged, require_file, require_names
from workflow_lib.errors import Problem, UserError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq


class ParquetRows:
    """Features of a Parquet file as a matrix, of which slices are read; the last group of rows is kept in memory.

    Attributes:
        shape: (N, d).
        dtype: of the matrix.

    Raises:
        UserError: lists missing or of different lengths; features that are not numbers.
    """

    def __init__(self, path: Path, file: "pq.ParquetFile", columns: Sequence[str]) -> None:
        self._file, self._columns = file, list(columns)
        _require_numbers(path, file.schema_arrow, columns)
        scanned = [self._scanned(group) for group in range(file.num_row_groups)]
        lengths = np.concatenate([lengths for lengths, _ in scanned]) if scanned else np.empty(0, np.int64)
        _require_even(path, columns[0], lengths)
        self._starts = np.cumsum([0, *(len(lengths) for lengths, _ in scanned)])
        self.shape = len(lengths), int(lengths.max(initial=0))
        self.dtype = np.result_type(*(dtype for _, dtype in scanned)) if scanned else np.dtype(np.float64)
        self._matrix = lru_cache(maxsize=1)(self._read)

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        start, stop, _ = rows.indices(self.shape[0])
        parts = [np.empty((0, self.shape[1]), self.dtype)]
        for group, first in enumerate(self._starts[:-1]):
            if first < stop and start < self._starts[group + 1]:
                parts.append(self._matrix(group)[max(start - first, 0) : stop - first])
        return np.concatenate(parts)

    def _read(self, group: int) -> NDArray[Any]:
        return self._values(group)[1].reshape(-1, self.shape[1])

    def _scanned(self, group: int) -> tuple[NDArray[np.int64], np.dtype[Any]]:
        lengths, values = self._values(group)
        return lengths, values.dtype

    def _values(self, group: int) -> tuple[NDArray[np.int64], NDArray[Any]]:
        """Number of features of each row, -1 where there is no list, and all of them one after another."""
        import pyarrow.compute as pc

        table = self._file.read_row_group(group, columns=self._columns)
        if not _is_list(table.schema.field(self._columns[0]).type):
            matrix = np.column_stack([table[name].to_numpy() for name in self._columns])
            return np.full(len(matrix), matrix.shape[1]), matrix.ravel()
        column = table[self._columns[0]]
        flat = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
        return pc.list_value_length(column).fill_null(-1).to_numpy(), np.concatenate(flat)


def read_columns(path: Path, names: Mapping[str, str]) -> dict[str, Any]:
    """Columns of a Parquet file: the features as `ParquetRows`, all others as arrays (N,).

    Args:
        path: the file.
        names: name of the column of each kind; for "features" that of lists of equal length, or the beginning of the
            names of numeric columns, in the order of the file.

    Raises:
        UserError: file or columns missing or damaged; see also `ParquetRows`.
    """
    import pyarrow.parquet as pq

    require_file(path, (".parquet",))
    try:
        file = pq.ParquetFile(path)
        columns, features = file.schema_arrow.names, names["features"]
        others = {kind: name for kind, name in names.items() if kind != "features"}
        chosen = [name for name in columns if name.startswith(features) and name not in others.values()]
        chosen = [features] if features in columns else chosen
        require_names(path, others if chosen else names, columns)
        vectors = {kind: _vector(file.read(columns=[name])[name]) for kind, name in others.items()}
        return {"features": ParquetRows(path, file, chosen), **vectors}
    except UserError:
        raise
    except Exception as error:  # Arrow raises errors of its own kinds
        raise UserError(damaged(str(path), error)) from error


def class_names_of(path: Path, column: str) -> list[str] | None:
    """Class names that the library datasets of Hugging Face has stored with a column of numbers, or None."""
    import pyarrow.parquet as pq

    metadata = pq.read_schema(path).metadata or {}
    features = json.loads(metadata.get(b"huggingface", b"{}")).get("info", {}).get("features", {})
    names = features.get(column, {}).get("names") if isinstance(features.get(column), dict) else None
    return list(names) if names else None


def _is_list(kind: Any) -> bool:
    import pyarrow.types as kinds

    return bool(kinds.is_list(kind) or kinds.is_large_list(kind) or kinds.is_fixed_size_list(kind))


def _require_numbers(path: Path, schema: "pa.Schema", names: Sequence[str]) -> None:
    import pyarrow.types as kinds

    if _is_list(schema.field(names[0]).type):
        return
    for name in names:
        kind = schema.field(name).type
        if not (kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind)):
            allowed = "feature columns hold numbers or lists of numbers"
            repair = "choose a beginning of names (features:) that only feature columns have"
            raise UserError(Problem(str(path), f"column {name} of type {kind}", allowed, repair))


def _require_even(path: Path, name: str, lengths: NDArray[np.int64]) -> None:
    longest = int(lengths.max(initial=0))
    uneven = np.flatnonzero(lengths != longest)
    if len(uneven):
        row = uneven[0]
        found = f"row {row} of column {name} has " + (f"{lengths[row]} values" if lengths[row] >= 0 else "no list")
        allowed = f"all lists are equally long, and the longest has {longest} values"
        raise UserError(Problem(str(path), found, allowed, "repair or leave out this row"))


def _vector(column: "pa.ChunkedArray") -> NDArray[Any]:
    import pyarrow.types as kinds

    if kinds.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    vector: NDArray[Any] = column.to_numpy()
    return vector
