"""The tables of a k* study to read: as a page, as Markdown and as LaTeX."""

from pathlib import Path
from typing import Any

from workflow_lib.figures.kstar.page import tables_page
from workflow_lib.figures.kstar.paper import latex, markdown, paper_tables
from workflow_lib.figures.reading import read_named
from workflow_lib.io.files import atomic
from workflow_lib.steps.roles import Input, Output


def render_tables(
    *,
    spec: dict[str, Any],
    classes: Input,
    aggregates: Input,
    pieces: Input,
    seeds: Input,
    trend: Input,
    page: Output,
    md: Output,
    tex: Output,
) -> None:
    """Write one self-contained HTML page with the tables of a study, and two tables in the layout of the k* paper.

    Args:
        spec: title, description, classes (names in the tables of the paper's layout; None: those of the figures).
        classes: table of classes.
        aggregates: table of patterns.
        pieces: table of pieces.
        seeds: table of what seeds agree on.
        trend: table of rank correlations.
        page: the page.
        md: classes and patterns in the layout of the paper, as Markdown.
        tex: the same as LaTeX.
    """
    paths = {"classes": classes, "aggregates": aggregates, "pieces": pieces, "seeds": seeds, "trend": trend}
    read = {name: read_named(path) for name, path in paths.items()}
    _write(tables_page(spec["title"], spec["description"], **read), page)
    tables = paper_tables(read["classes"], read["aggregates"], wanted=spec["classes"], title=spec["title"])
    _write(markdown(tables), md)
    _write(latex(tables), tex)


def _write(text: str, path: Path) -> None:
    with atomic(path) as scratch:
        scratch.write_text(text, encoding="utf-8")
