"""The tables of a k* study as a page."""

from typing import Any

from workflow_lib.figures.kstar.page import tables_page
from workflow_lib.figures.reading import read_named
from workflow_lib.io.files import atomic
from workflow_lib.steps.roles import Input, Output


def render_tables(*, spec: dict[str, Any], classes: Input, aggregates: Input, pieces: Input, page: Output) -> None:
    """Write one self-contained HTML page with the tables of a study.

    Args:
        spec: title, description.
        classes: table of classes.
        aggregates: table of patterns.
        pieces: table of pieces.
        page: the page.
    """
    tables = [read_named(path) for path in (classes, aggregates, pieces)]
    text = tables_page(spec["title"], spec["description"], *tables)
    with atomic(page) as scratch:
        scratch.write_text(text, encoding="utf-8")
