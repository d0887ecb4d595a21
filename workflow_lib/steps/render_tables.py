"""The tables of a k* study as a page."""

from typing import Any

from workflow_lib.figures.kstar.page import tables_page
from workflow_lib.figures.reading import read_named
from workflow_lib.io.files import atomic
from workflow_lib.steps.roles import Input, Output


def render_tables(*, spec: dict[str, Any], classes: Input, aggregates: Input, page: Output) -> None:
    """Write one self-contained HTML page with both tables of a study.

    Args:
        spec: title, description.
        classes: table of classes.
        aggregates: table of patterns.
        page: the page.
    """
    text = tables_page(spec["title"], spec["description"], read_named(classes), read_named(aggregates))
    with atomic(page) as scratch:
        scratch.write_text(text, encoding="utf-8")
