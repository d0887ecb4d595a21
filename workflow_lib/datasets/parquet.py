"""Features and labels from the user's Parquet files."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from workflow_lib.datasets.files import damaged, require_file, require_names
from workflow_lib.errors import Problem, UserError

if TYPE_CHECKING:
    import pyarrow as pa


def read_columns(path: Path, features: str, others: list[str]) -> dict[str, NDArray[Any]]:
    """Columns of a Parquet file as arrays, by name.

    Args:
        path: the file.
        features: name of one column of lists of equal length, or prefix of the names of numeric columns; they become
            one array (N, d) in the order of the file.
        others: names of further columns, (N,) each.

    Raises:
        UserError: file or columns missing or damaged; lists missing or of different lengths; features that are
            not numbers.
    """
    import pyarrow.parquet as pq

    require_file(path, (".parquet",))
    try:
        names = pq.read_schema(path).names
        chosen = [name for name in names if name.startswith(features) and name not in others]
        chosen = [features] if features in names else chosen
        table = pq.read_table(path, columns=chosen + [name for name in others if name in names])
    except Exception as error:  # Arrow raises errors of its own kinds
        raise UserError(damaged(str(path), error)) from error
    require_names(path, others if chosen else [features, *others], names)
    return {features: _matrix(table, chosen, path)} | {name: _vector(table[name]) for name in others}


def _matrix(table: "pa.Table", names: list[str], path: Path) -> NDArray[Any]:
    import pyarrow.types as kinds

    first = table.schema.field(names[0]).type
    if kinds.is_list(first) or kinds.is_large_list(first) or kinds.is_fixed_size_list(first):
        return _list_column(table[names[0]], names[0], path)
    for name in names:
        kind = table.schema.field(name).type
        if not (kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind)):
            allowed = "feature columns hold numbers or lists of numbers"
            repair = "choose a beginning of names (features:) that only feature columns have"
            raise UserError(Problem(str(path), f"column {name} of type {kind}", allowed, repair))
    return np.column_stack([table[name].to_numpy() for name in names])


def _list_column(column: "pa.ChunkedArray", name: str, path: Path) -> NDArray[Any]:
    """Lists of numbers as (N, d)."""
    import pyarrow.compute as pc

    lengths = pc.list_value_length(column).fill_null(-1).to_numpy()
    longest = int(lengths.max(initial=0))
    uneven = np.flatnonzero(lengths != longest)
    if len(uneven):
        row = uneven[0]
        found = f"row {row} of column {name} has " + (f"{lengths[row]} values" if lengths[row] >= 0 else "no list")
        allowed = f"all lists are equally long, and the longest has {longest} values"
        raise UserError(Problem(str(path), found, allowed, "repair or leave out this row"))
    flat = [chunk.flatten().to_numpy(zero_copy_only=False) for chunk in column.chunks]
    return np.concatenate(flat).reshape(len(lengths), longest) if flat else np.empty((0, 0))


def _vector(column: "pa.ChunkedArray") -> NDArray[Any]:
    import pyarrow.types as kinds

    if kinds.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    vector: NDArray[Any] = column.to_numpy()
    return vector
