"""Labelled texts from a user's table."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_lib.datasets.labelled_rows import divided, empty, read_rows
from workflow_lib.datasets.labels import encode, names_or_numbers
from workflow_lib.datasets.split import Texts, strings
from workflow_lib.errors import UserError


def read_text(spec: Mapping[str, Any]) -> dict[str, Texts]:
    """Splits of the texts in `path`; the columns are named by `texts`, `labels`, `ids` and `splits`.

    Raises:
        UserError: the file cannot be read, lacks columns, or has empty cells. All of them are named.
    """
    path = Path(spec["path"])
    rows = read_rows(spec, {"texts": spec["texts"]})
    texts = rows.columns[spec["texts"]]
    if problems := [*empty(path, spec["texts"], texts, rows.ids), *rows.problems]:
        raise UserError(*problems)
    if rows.left_out:
        print(f"{path}: left out {rows.left_out}", file=sys.stderr)
    (labels,), class_names = encode([(str(path), names_or_numbers(rows.labels))])
    whole = Texts(
        source="text",
        origin=str(path),
        labels=labels,
        ids=strings(rows.ids),
        class_names=class_names,
        texts=strings(texts),
        left_out=rows.left_out,
    )
    return divided(whole, rows, spec)
