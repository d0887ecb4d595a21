"""Captions of figures: one text in docs/captions for this page and for Snakemake's report."""

from pathlib import Path

from markupsafe import Markup

FOLDER = Path(__file__).parents[2] / "docs" / "captions"
SETTINGS = {
    "raw_enabled": False,
    "file_insertion_enabled": False,
    "report_level": 5,
    "embed_stylesheet": False,
    "doctitle_xform": False,
}


def caption(name: str) -> tuple[str, Markup]:
    """First sentence and the rest of a caption, as text and as HTML; both empty if there is none."""
    try:
        text = (FOLDER / f"{name}.rst").read_text(encoding="utf-8")
    except OSError:
        return "", Markup("")
    from docutils.core import publish_parts

    first, _, rest = text.partition("\n\n")
    return " ".join(first.split()), Markup(publish_parts(rest, writer="html5", settings_overrides=SETTINGS)["body"])
