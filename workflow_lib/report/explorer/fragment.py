"""The explorer as one piece of HTML, with its data, style and scripts inside."""

from collections.abc import Collection
from html import escape
from pathlib import Path
from typing import Any

from matplotlib.colors import to_hex

from workflow_lib.figures.style import PATTERN_COLOURS, class_styles
from workflow_lib.plan.plan import Plan
from workflow_lib.report.explorer.blobs import Blobs, safe_json
from workflow_lib.report.explorer.kstar import KstarData
from workflow_lib.report.explorer.prototypes import read_prototypes

ASSETS = Path(__file__).parent / "assets"
SCRIPTS = (
    *("data.js", "pictures.js", "dots.js", "strips.js", "map.js"),
    *("sample.js", "list.js", "kstar.js", "prototypes.js", "explorer.js"),
)
LIBRARY = "regl-scatterplot.min.js"
PER_STUDY = 500
"""Bytes in which the page is told of a study, besides its title and what it shows."""
OF_PROTOTYPES = 0.3
"""Share of the room that prototypes may fill; samples get the rest."""


def fragment(plan: Plan, budget: int, outdated: Collection[str]) -> str:
    """The section `explorer` of a page: everything of the k* and prototype studies that exists, is current, and fits.

    Args:
        plan: whose results are shown.
        budget: largest size in bytes. What is left out for it is said in the section.
        outdated: paths of results that are not up to date, and so are left out.

    Returns:
        HTML with its own data, style and scripts; "" if there is nothing to show or no room for it.
    """
    old = {Path(path) for path in outdated}

    def current(path: Path) -> bool:
        return path not in old and path.is_file()

    head, tail = _head(), _tail()
    titles = [study.study.title for study in (*plan.kstar.values(), *plan.prototypes.values())]
    frame = head + tail + _contents([], []) + safe_json(titles)
    blobs = Blobs(budget - _size(frame) - PER_STUDY * len(titles))
    prototypes = read_prototypes(plan, blobs, current, OF_PROTOTYPES * blobs.room)
    kstar, samples = KstarData(plan, blobs, current).read()
    studies = [*kstar, *prototypes]
    if any(study["shown"] for study in studies):
        return head + blobs.html + _contents(studies, samples) + tail
    empty = _empty(studies)
    return empty if _size(empty) <= budget else ""


def _empty(studies: list[dict[str, Any]]) -> str:
    """Why nothing is shown, if there are results; else ""."""
    lines = [f"<li>{escape(line)}</li>" for line in _absent(studies)]
    if all(set(study["lost"]) <= {"not computed"} for study in studies):
        return ""
    return f'<section id="explorer"><h2>Explorer</h2><p>Not shown:</p><ul>{"".join(lines)}</ul></section>'


def _absent(studies: list[dict[str, Any]]) -> list[str]:
    """Studies of which nothing is shown, with the reasons."""
    absent = [study for study in studies if not study["shown"]]
    return [f"{s['title']} ({', '.join(f'{count} {why}' for why, count in s['lost'].items())})" for s in absent]


def _head() -> str:
    style, body = ((ASSETS / name).read_text("utf-8") for name in ("explorer.css", "explorer.html"))
    return f'<section id="explorer">\n<style>\n{style}</style>\n{body}'


def _contents(studies: list[dict[str, Any]], samples: list[dict[str, Any]]) -> str:
    count = max([len(entry["classes"]) for entry in samples], default=1)
    contents = {
        "studies": [study for study in studies if study["shown"]],
        "absent": _absent(studies),
        "samples": samples,
        "classColours": [to_hex(colour) for colour, _ in class_styles(count)],
        "patternColours": PATTERN_COLOURS,
    }
    return f'<script type="application/json" id="explorer-contents">{safe_json(contents)}</script>\n'


def _tail() -> str:
    """The library, and the scripts of the views as one function, so that their names are not seen outside."""
    library, *views = ((ASSETS / name).read_text("utf-8") for name in (LIBRARY, *SCRIPTS))
    inside = "\n".join(views)
    return f'<script>\n{library}</script>\n<script>\n(() => {{\n"use strict";\n{inside}}})();\n</script>\n</section>\n'


def _size(text: str) -> int:
    return len(text.encode())
