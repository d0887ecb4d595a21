"""The tables of a k* study as an HTML page: constant dimensions above the tables, varied ones in columns."""

import html
from collections.abc import Sequence

import pandas as pd

from workflow_lib.figures.style import significant
from workflow_lib.intervals import INTERVALS_OF
from workflow_lib.names import CERTAIN
from workflow_lib.points import DIMENSIONS

INTERVALS = ("mean", "skewness")
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem; color: #222; }
p { max-width: 50rem; }
table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: #fff; border-bottom: 2px solid #888; text-align: left; }
th, td { padding: .2rem .8rem; }
td { border-bottom: 1px solid #ddd; }
"""

NOTE = (
    "k* of a sample: rank of its nearest neighbour of another class, divided by the size of its own class. "
    "Skewness above the threshold: Fractured. Below minus the threshold: Clustered. k* is not an accuracy. "
    "A Fractured class may lie in many pieces or be mixed with others; its pieces tell. "
    "In brackets: 95 % intervals of a bootstrap of the samples. A pattern with a question mark holds in less than 95 % "
    "of the resamples. Pieces: samples of a class are joined if each is nearer to the other than to any other class."
)


def tables_page(
    title: str,
    description: str,
    *,
    classes: pd.DataFrame,
    aggregates: pd.DataFrame,
    pieces: pd.DataFrame,
    seeds: pd.DataFrame,
    trend: pd.DataFrame,
) -> str:
    """One self-contained HTML page.

    Args:
        title: of the study.
        description: the question of the study; may be empty.
        classes: from `tables.class_table`.
        aggregates: from `tables.aggregate_table`; values of a pattern without classes are shown as "—".
        pieces: from `tables.piece_table`.
        seeds: from `tables.seed_table`; shown if there are several seeds.
        trend: from `trend.trend_table`.
    """
    about = [column for column in (*DIMENSIONS, INTERVALS_OF) if column in classes]
    held = [column for column in about if classes[column].nunique() == 1]
    constants = ", ".join(f"{dimension} {classes[dimension].iloc[0]}" for dimension in held)
    paragraphs = [description, NOTE, _approximate(classes), f"All: {constants}." if constants else ""]
    over_seeds = [
        "<h2>Seeds: class means over them, and how many show each pattern</h2>",
        _table(seeds, [*held, "label"]),
    ]
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body>",
            f"<h1>{html.escape(title)}</h1>",
            *(f"<p>{html.escape(text)}</p>" for text in paragraphs if text),
            "<h2>Patterns: number of classes, and means over them</h2>",
            _table(aggregates, held),
            "<h2>Classes</h2>",
            _table(_with_intervals(classes), [*held, "label", *_empty(classes)]),
            "<h2>Pieces of classes</h2>",
            _table(pieces, [*held, "label"]),
            *(over_seeds if "seed" not in held else []),
            "<h2>Rank correlations over all rows</h2>",
            _table(trend, [] if trend["scale"].notna().any() else ["scale"]),
            "</body></html>\n",
        ]
    )


def _empty(classes: pd.DataFrame) -> list[str]:
    """Columns that say nothing in this study."""
    of_approximate = ["censored", "agreement"] if classes["agreement"].isna().all() else []
    return [*([] if classes["left_out"].any() else ["left_out"]), *of_approximate]


def _approximate(classes: pd.DataFrame) -> str:
    """What must be known of approximate k*; "" if all of it is exact."""
    known = classes[classes["agreement"].notna()]
    if known.empty:
        return ""
    return (
        "k* is approximate: only a list of nearest neighbours of each sample was searched. In "
        f"{known['censored'].sum()} of {known['n'].sum()} cases the list ends before a sample of another class "
        "(censored): then k* is a lower bound, and so is the mean. Skewness and pattern are left undefined where the "
        "upper bound, 1, would give another pattern. Agreement: share of the checked samples whose k* is the exact one "
        f"or, if censored, a true lower bound; here {known['agreement'].min():.3f} or more in every class. "
        "Pieces need the exact k*."
    )


def _with_intervals(classes: pd.DataFrame) -> pd.DataFrame:
    """The classes with intervals behind their values, and a question mark behind patterns that are uncertain."""
    shown = classes.drop(columns=["pattern_share", *(f"{v}_{end}" for v in INTERVALS for end in ("low", "high"))])
    for value in INTERVALS:
        low, high = classes[f"{value}_low"], classes[f"{value}_high"]
        texts = [
            f"{significant(v)} [{significant(a)}, {significant(b)}]" if v == v else "—"
            for v, a, b in zip(classes[value], low, high, strict=True)
        ]
        shown[value] = texts
    shown["pattern"] = classes["pattern"].where(classes["pattern_share"] >= CERTAIN, classes["pattern"] + " ?")
    return shown


def _table(frame: pd.DataFrame, hidden: Sequence[str]) -> str:
    shown = frame.drop(columns=list(hidden), errors="ignore")
    shown.columns = [str(column).replace("_", " ") for column in shown.columns]
    return shown.to_html(index=False, border=0, na_rep="—", float_format=significant)
