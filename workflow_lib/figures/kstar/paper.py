"""Tables of a k* study in the layout of tables I and II of the k* paper, as Markdown and as LaTeX."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from workflow_lib.figures.kstar.classes import choose_by_dataset, written_names
from workflow_lib.figures.style import PATTERN_COLOURS, signed, significant
from workflow_lib.intervals import axis
from workflow_lib.names import CERTAIN
from workflow_lib.points import DIMENSIONS

ACROSS = 3
"""Classes side by side, as in the paper."""
EMPTY = "—"
NOTE = (
    "Mean, Std, Skew: of k*. Acc: accuracy in per cent. Pat: pattern, A Fractured, B Overlapped, C Clustered, – "
    "undefined; with a question mark where less than 95 % of bootstrap resamples agree."
)
LETTERS = dict(zip(PATTERN_COLOURS, "ABC–", strict=True))
SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "−": r"$-$",
    "—": "---",
    "–": "--",
    "…": r"\ldots{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}


@dataclass(frozen=True)
class Table:
    """A table of text: groups of columns side by side, below a heading each.

    Attributes:
        caption: what it shows.
        stub: headings of the columns that name a row.
        groups: heading of each group and the headings of its columns.
        rows: cells, as many as `stub` and all groups have columns.
    """

    caption: str
    stub: list[str]
    groups: list[tuple[str, list[str]]]
    rows: list[list[str]]


def paper_tables(
    classes: pd.DataFrame, aggregates: pd.DataFrame, *, wanted: Sequence[str] | None, title: str
) -> list[Table]:
    """Tables of the classes, three side by side with a row per point that has them, and the table of the patterns.

    Args:
        classes: from `class_table`.
        aggregates: from `aggregate_table`, of the same points.
        wanted: names of the classes to show; None: up to twenty, those of the figures.
        title: of the study.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    title = " ".join(title.split())
    points = classes[list(DIMENSIONS)].drop_duplicates()
    stub = [dimension for dimension in DIMENSIONS if points[dimension].nunique() > 1] or ["model"]
    known = bool(classes["accuracy"].notna().any())
    chosen, note = choose_by_dataset(classes, wanted)
    notes = [NOTE, note, f"Interval: {axis(classes)}." if "interval" in stub else ""]
    names = written_names(classes)
    tables: list[Table] = []
    for shown in dict.fromkeys(map(tuple, chosen.values())):
        own = [dataset for dataset in chosen if tuple(chosen[dataset]) == shown]
        for block in (shown[start : start + ACROSS] for start in range(0, len(shown), ACROSS)):
            parts = [_class_cells(classes[classes["class_name"] == name], known) for name in block]
            groups = [(names[name], [str(column) for column in part]) for name, part in zip(block, parts, strict=True)]
            caption = f"{title}: k* of {', '.join(names[name] for name in block)}."
            reading = "" if tables else " ".join(["", *filter(None, notes)])
            rows = _rows(points[points["dataset"].isin(own)], stub, parts)
            tables.append(Table(caption + reading, stub, groups, rows))
    patterns = [name for name in LETTERS if name != "Undefined"]
    parts = [_pattern_cells(aggregates[aggregates["pattern"] == name], known) for name in (*patterns, "All")]
    numbers = set(classes.groupby("dataset")["class_name"].nunique())
    headings = [f"{LETTERS[name]}: {name}" for name in patterns]
    headings += [f"All {numbers.pop()} classes" if len(numbers) == 1 else "All"]
    groups = [(heading, [str(column) for column in part]) for heading, part in zip(headings, parts, strict=True)]
    tables.append(
        Table(
            f"{title}: means over the classes of each pattern. N: their number.",
            stub,
            groups,
            _rows(points, stub, parts),
        )
    )
    return tables


def _class_cells(rows: pd.DataFrame, accuracy: bool) -> pd.DataFrame:
    """Texts of one class, by point."""
    cells = pd.DataFrame({"Mean": rows["mean"].map(significant), "Std": rows["std"].map(significant)})
    cells["Skew"] = rows["skewness"].map(significant)
    if accuracy:
        cells["Acc"] = (100 * rows["accuracy"]).map(signed)
    certain = rows["pattern_share"] >= CERTAIN
    cells["Pat"] = rows["pattern"].map(LETTERS) + certain.map({True: "", False: "?"})
    return cells.set_index(pd.MultiIndex.from_frame(rows[list(DIMENSIONS)]))


def _pattern_cells(rows: pd.DataFrame, accuracy: bool) -> pd.DataFrame:
    """Texts of the means over the classes of a pattern, by point; a dash without classes."""
    cells = pd.DataFrame({"Mean": rows["mean"].map(significant), "Skew": rows["skewness"].map(significant)})
    if accuracy:
        cells["Acc"] = (100 * rows["accuracy"]).map(signed)
    cells = cells.mask(rows["n_classes"] == 0, EMPTY)
    if (rows["pattern"] != "All").all() or rows["n_classes"].nunique() > 1:
        cells["N"] = rows["n_classes"].map("{:,}".format)
    return cells.set_index(pd.MultiIndex.from_frame(rows[list(DIMENSIONS)]))


def _rows(points: pd.DataFrame, stub: Sequence[str], parts: Sequence[pd.DataFrame]) -> list[list[str]]:
    """A row per point; a class without samples there has dashes."""
    index = pd.MultiIndex.from_frame(points)
    cells = pd.concat([part.reindex(index).fillna(EMPTY) for part in parts], axis=1)
    return [
        [*map(str, name), *texts]
        for name, texts in zip(points[list(stub)].itertuples(index=False), cells.to_numpy().tolist(), strict=True)
    ]


def markdown(tables: Sequence[Table]) -> str:
    """The tables as pipe tables, each below its caption; the heading of a group stands before those of its columns."""
    return "\n\n".join("\n".join(_markdown_lines(table)) for table in tables) + "\n"


def _markdown_lines(table: Table) -> Iterator[str]:
    columns = [*table.stub, *(f"{heading}: {column}" for heading, part in table.groups for column in part)]
    yield from (_plain(table.caption), "")
    yield _pipes(columns)
    yield _pipes(["---"] * len(table.stub) + ["---:"] * (len(columns) - len(table.stub)))
    yield from map(_pipes, table.rows)


def _pipes(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(_plain, cells))} |"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{character}" if character in r"\`*_{}[]<>#|~" else character for character in text)


def latex(tables: Sequence[Table]) -> str:
    r"""The tables for `\input` into a document that uses the package booktabs."""
    head = "% Needs \\usepackage{booktabs} and \\usepackage{graphicx}; names beyond Latin letters need LuaLaTeX.\n"
    return head + "\n".join("\n".join(_latex_lines(table)) + "\n" for table in tables)


def _latex_lines(table: Table) -> Iterator[str]:
    width = len(table.stub)
    spec = "l" * width + "".join("r" * len(columns) for _, columns in table.groups)
    yield from (r"\begin{table}[tbp]", r"\centering\small", rf"\caption{{{escape(table.caption)}}}")
    yield from (r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%", rf"\begin{{tabular}}{{{spec}}}")
    yield r"\toprule"
    heads = [rf"\multicolumn{{{len(columns)}}}{{c}}{{{escape(heading)}}}" for heading, columns in table.groups]
    yield f"{'& ' * width}{' & '.join(heads)} \\\\"
    rules, start = "", width + 1
    for _, columns in table.groups:
        rules += rf"\cmidrule(lr){{{start}-{start + len(columns) - 1}}}"
        start += len(columns)
    yield rules
    yield _ampersands([*table.stub, *(column for _, columns in table.groups for column in columns)])
    yield r"\midrule"
    yield from map(_ampersands, table.rows)
    yield from (r"\bottomrule", r"\end{tabular}}", r"\end{table}")


def _ampersands(cells: Sequence[str]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"


def escape(text: str) -> str:
    """Text that LaTeX sets as it is."""
    return "".join(SPECIAL.get(character, character) for character in text)
