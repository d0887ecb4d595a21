"""Columns of text from the user's tables: CSV, TSV, JSON, JSON lines and Parquet."""

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_lib.datasets.files import damaged, require_file, require_names
from workflow_lib.datasets.split import as_text
from workflow_lib.errors import Problem, UserError, listed
from workflow_lib.optional import optional

SEPARATORS = {".csv": ",", ".tsv": "\t"}
LINES = (".jsonl", ".ndjson")
ROWS = 'write a list of rows, [{"text": "hello", "label": "greet"}, ...], or one for each split, {"train": [...], ...}'
SUFFIXES = (*SEPARATORS, ".parquet", ".json", *LINES)
OTHERS = (";", "\t", "|", ",")
"""Signs that divide columns elsewhere."""
EXACT = 2.0**53
"""Whole floats below are exact."""
SPLIT = "split"
"""Column of the splits of a JSON file that has a list of rows for each split."""


def read_text_columns(path: Path, names: Mapping[str, str], *, all_columns: bool = False) -> dict[str, list[str]]:
    """These columns, by their keys in the config, or all, each with a text per row; "" where there is none.

    Numbers become their digits, whole ones without a decimal point.

    A JSON file is a list of rows, or has a list of rows for each split: {"train": [...], "test": [...]}, which gives a
    column `split`. A row is an object, or a list whose columns are called 0, 1 and so on.

    Raises:
        UserError: no such file, another kind of file, or a damaged one; no rows; columns that it does not have, or
            that hold lists.
    """
    require_file(path, SUFFIXES)
    try:
        columns = _columns(path)
        require_names(path, names, list(columns))
        if not any(columns.values()):
            raise UserError(Problem(str(path), "", "the table has no rows", "add samples, or name another file"))
        wanted = list(columns) if all_columns else list(dict.fromkeys(names.values()))
        return {name: [_text(path, name, value) for value in columns[name]] for name in wanted}
    except UserError:
        raise
    except UnicodeDecodeError as error:
        allowed = f"the file is not in UTF-8: {error.reason} at byte {error.start}"
        raise UserError(Problem(str(path), "", allowed, "save it again, in UTF-8")) from error
    except Exception as error:  # Arrow raises errors of its own kinds
        raise UserError(damaged(str(path), error)) from error


def _columns(path: Path) -> dict[str, list[Any]]:
    if path.suffix == ".parquet":
        return _parquet(path)
    if path.suffix in SEPARATORS:
        return _separated(path, SEPARATORS[path.suffix])
    return _of_rows(path, _json_lines(path) if path.suffix in LINES else _json(path))


def _separated(path: Path, separator: str) -> dict[str, list[Any]]:
    """A text file with a line of names; nothing in it is taken for a number, or for missing because it is called NA."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=separator, strict=True)
        names = next(reader, [])
        if not names:
            raise ValueError("the first line names no columns")
        _require_plain(path, names, separator)
        rows = []
        for row in filter(None, reader):
            if len(row) != len(names):
                found = f"line {reader.line_num} has {len(row)} values"
                allowed = f"the first line names {len(names)} columns"
                repair = "put a value with a separator in it between double quotes"
                raise UserError(Problem(str(path), found, allowed, repair))
            rows.append(row)
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _require_plain(path: Path, names: Sequence[str], separator: str) -> None:
    """Refuse a first line that is divided by another separator, or names several columns alike."""
    other = next((sign for sign in OTHERS if sign in names[0]), None) if len(names) == 1 else None
    if other:
        allowed = f"the columns are divided by {other!r}, and those of a {path.suffix} by {separator!r}"
        repair = "save it again with this separator, and numbers with a decimal point"
        raise UserError(Problem(str(path), names[0], allowed, repair))
    if twice := [name for name, count in Counter(names).items() if count > 1 and name.strip()]:
        raise UserError(Problem(str(path), listed(twice), "several columns have this name", "rename them"))


def _parquet(path: Path) -> dict[str, list[Any]]:
    table = optional("pyarrow.parquet", "workflow").read_table(path)  # for datasets of images its version is nothing
    return {name: table[name].to_pylist() for name in table.column_names}


def _json(path: Path) -> list[Any]:
    content = json.loads(path.read_text("utf-8-sig"))
    if isinstance(content, list):
        return content
    if isinstance(content, dict) and all(isinstance(rows, list) for rows in content.values()):
        return [{SPLIT: split} | _as_object(path, row) for split, rows in content.items() for row in rows]
    raise UserError(Problem(str(path), "", "neither a list of rows nor a list of rows for each split", ROWS))


def _json_lines(path: Path) -> list[Any]:
    rows = []
    for number, line in enumerate(path.read_text("utf-8-sig").splitlines()):
        try:
            rows += [json.loads(line)] if line.strip() else []
        except ValueError as error:
            raise ValueError(f"line {number + 1}: {error}") from None
    return rows


def _of_rows(path: Path, rows: Iterable[Any]) -> dict[str, list[Any]]:
    objects = [_as_object(path, row) for row in rows]
    names = dict.fromkeys(name for row in objects for name in row)
    return {name: [row.get(name) for row in objects] for name in names}


def _as_object(path: Path, row: Any) -> dict[str, Any]:
    if isinstance(row, list):
        return {str(number): value for number, value in enumerate(row)}
    if isinstance(row, dict):
        return row
    allowed = f"a row is {json.dumps(row)[:40]}, and not an object or a list"
    raise UserError(Problem(str(path), "", allowed, ROWS))


def _text(path: Path, name: str, value: Any) -> str:
    """A value of a column as text; none and NaN as ""."""
    if isinstance(value, list | dict):
        found = f"the column {name} has the value {json.dumps(value, default=str)[:40]}"
        raise UserError(Problem(str(path), found, "a value is one text or number", "name another column"))
    if value is None or value != value:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        return str(int(value))
    return as_text(value)
