"""Columns of text from the user's tables: CSV, TSV and Parquet."""

import csv
from collections.abc import Sequence
from pathlib import Path

from workflow_lib.datasets.files import damaged, require_file, require_names
from workflow_lib.errors import Problem, UserError

SEPARATORS = {".csv": ",", ".tsv": "\t"}
SUFFIXES = (*SEPARATORS, ".parquet")


def read_text_columns(path: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """These columns, each with a text per row; "" where there is none. Numbers in Parquet become their digits.

    Raises:
        UserError: no such file, another kind of file, or a damaged one; or columns that it does not have.
    """
    require_file(path, SUFFIXES)
    try:
        columns = _parquet(path) if path.suffix == ".parquet" else _separated(path, SEPARATORS[path.suffix])
    except UserError:
        raise
    except Exception as error:  # Arrow raises errors of its own kinds
        raise UserError(damaged(str(path), error)) from error
    require_names(path, names, list(columns))
    return {name: columns[name] for name in names}


def _separated(path: Path, separator: str) -> dict[str, list[str]]:
    """A text file with a line of names; nothing in it is taken for a number, or for missing because it is called NA."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        names = next(reader, [])
        if not names:
            raise ValueError("the first line names no columns")
        rows = []
        for row in filter(None, reader):
            if len(row) != len(names):
                found = f"line {reader.line_num} has {len(row)} values"
                allowed = f"the first line names {len(names)} columns"
                repair = "put a value with a separator in it between double quotes"
                raise UserError(Problem(str(path), found, allowed, repair))
            rows.append(row)
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _parquet(path: Path) -> dict[str, list[str]]:
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    return {
        name: ["" if value is None else str(value) for value in table[name].to_pylist()] for name in table.column_names
    }
