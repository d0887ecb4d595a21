"""What the tables of studies are, and what their columns mean, in the words of the docs."""

import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

from workflow_lib.report.words import marked_up

DOCS = Path(__file__).parents[2] / "docs"
FIRST = {"kstar": "classes", "prototypes": "sets", "confusion": "effects", "relations": "correlations"}
"""The table of each family that is open."""

PAGES = {"kstar": "outputs.md", "prototypes": "prototypes.md", "confusion": "confusion.md", "relations": "relations.md"}
"""Where the tables of each family are explained, below docs: the file, the rows and the columns of each in one line."""
LINE = re.compile(r"^\| `(?:(\w+)/\{study\}/)?(\w+)\.csv` \|.*?([^|]*)\|([^|]*)\|$", re.MULTILINE)

MEANINGS = {
    "kstar": {
        "classes": "k* of each class: mean, skewness, pattern, accuracy",
        "aggregates": "Patterns: number of classes, and means over them",
        "pieces": "Pieces of each class",
        "examples": "Samples of Fractured classes worth a look",
        "seeds": "Seeds together: means, and how many show each pattern",
        "trend": "Rank correlations over all rows",
    },
    "prototypes": {
        "sets": "Sets of prototypes: C and R, and how many converged",
        "intervals": "C and R at each interval, over the sets",
        "tests": "Tests of C against R, paired over classes",
        "pairs": "C and R of each pair of classes",
        "histograms": "Distributions of C and R in bins",
        "quality": "Measures of quality without data, and the accuracy",
        "quality_trend": "Rank correlations of these measures with the accuracy",
        "boundary_images": "Images on the boundary of each pair of classes",
        "boundary_intervals": "Boundary images at each interval",
        "boundary_dissimilarity": "Dissimilarity of boundary images to one another",
    },
    "confusion": {
        "effects": "Effects of losing a class on each other class, with tests",
        "groups": "Tests of groups of classes",
        "runs": "Accuracy of each class in each training",
        "means": "Accuracy of each class under each pair, over the seeds",
        "pairs": "Pairs: their own accuracy, that of the others, and diverged trainings",
        "shares": "Confusion matrices, as shares of the true class",
        "losses": "Training loss in each epoch",
    },
    "relations": {
        "class_pairs": "All measures of each pair of classes",
        "measures": "What each measure is, and where it comes from",
        "correlations": "Rank correlations between measures, with tests",
    },
}
"""Tables by family and name of the file."""


def columns(family: str, name: str) -> Markup:
    """What a row and the columns of a table are, as HTML; "" if the docs do not say it."""
    rows, meaning = _explained(family).get(name, ("", ""))
    if not meaning:
        return Markup("")
    said = Markup("<strong>Rows:</strong> {}. <strong>Columns:</strong> {}.")
    return said.format(marked_up(rows), marked_up(meaning))


@cache
def _explained(family: str) -> dict[str, tuple[str, str]]:
    """Rows and columns of each table of a family, in Markdown."""
    try:
        text = (DOCS / PAGES[family]).read_text(encoding="utf-8")
    except (KeyError, OSError):
        return {}
    lines = LINE.findall(text)
    return {name: (rows.strip(), meaning.strip()) for of, name, rows, meaning in lines if of in ("", family)}
