"""Tables in the layout of the k* paper: what is where, and that LaTeX takes them."""

import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from workflow_lib.figures.kstar.paper import escape, latex, markdown, paper_tables
from workflow_lib.kstar.tables import aggregate_table
from workflow_lib.points import DIMENSIONS

POINT = dict.fromkeys(DIMENSIONS, "one")
ODD = ["50 %", "a_b & {c}", "$x^2$", "#1 ~ \\end", "[z]", '<"|">', "école", "a very long name of a class"]


def classes_of(names, models=("early", "late"), **values):
    rows = [
        POINT
        | {"model": model, "label": label, "class_name": name, "mean": 0.571, "std": 0.25, "skewness": -0.84}
        | {"pattern": "Clustered", "pattern_share": 1.0, "accuracy": 0.975}
        | values
        for model in models
        for label, name in enumerate(names)
    ]
    return pd.DataFrame(rows)


def tables_of(classes, wanted=None):
    return paper_tables(classes, aggregate_table(classes), wanted=wanted, title="A title")


def test_three_classes_side_by_side_with_a_row_per_point():
    first, second, means = tables_of(classes_of(["cat", "dog", "car", "bus"]))
    assert (first.stub, [heading for heading, _ in first.groups]) == (["model"], ["cat", "dog", "car"])
    assert [heading for heading, _ in second.groups] == ["bus"]
    assert second.groups[0][1] == ["Mean", "Std", "Skew", "Acc", "Pat"]
    assert second.rows == [[model, "0.571", "0.250", "−0.840", "97.50", "C"] for model in ("early", "late")]
    headings = ["A: Fractured", "B: Overlapped", "C: Clustered", "All 4 classes"]
    assert [heading for heading, _ in means.groups] == headings
    some, none = ["0.571", "−0.840", "97.50"], ["—"] * 3
    assert means.rows[0] == ["early", *none, "0", *none, "0", *some, "4", *some]


def test_the_caption_says_what_intervals_are_shares_of():
    classes = pd.concat([classes_of(["cat"], ["net"]).assign(interval=interval) for interval in (50, 100)])
    assert "Interval: share of the training done (%)." in tables_of(classes)[0].caption
    first, _ = paper_tables(classes.assign(intervals_of="data"), aggregate_table(classes), wanted=None, title="A title")
    assert "Interval: share of the training images (%)." in first.caption


def test_small_values_keep_their_digits():
    first, means = tables_of(classes_of(["cat"]).assign(mean=0.00226, std=0.1149, skewness=31.432))
    assert first.rows[0][1:4] == ["0.00226", "0.115", "31.4"]
    assert means.rows[0][-3:-1] == ["0.00226", "31.4"]


def test_without_accuracies_the_column_is_left_out():
    for table in tables_of(classes_of(["cat"], accuracy=np.nan)):
        assert all("Acc" not in columns for _, columns in table.groups)


def test_uncertain_and_undefined_patterns_and_missing_classes():
    classes = classes_of(["cat", "dog"])
    classes.loc[0, "pattern_share"] = 0.9
    classes.loc[1, ["pattern", "skewness"]] = ["Undefined", np.nan]
    first, _ = tables_of(classes.drop(3))
    assert first.rows[0] == ["early", "0.571", "0.250", "−0.840", "97.50", "C?", "0.571", "0.250", "–", "97.50", "–"]
    assert first.rows[1][-5:] == ["—"] * 5


def test_classes_are_those_asked_for():
    (first, _) = tables_of(classes_of(["cat", "dog", "car"]), ["car", "cat"])
    assert [heading for heading, _ in first.groups] == ["car", "cat"]
    assert "2 of 3 classes are shown" in first.caption


def test_datasets_with_other_classes_have_tables_of_their_own():
    digits, letters = classes_of(["1", "2"], ["a"]), classes_of(["x", "y", "z"], ["b"]).assign(dataset="letters")
    first, second, means = tables_of(pd.concat([digits, letters]))
    for table, names, row in ((first, ["1", "2"], ["a", "one"]), (second, ["x", "y", "z"], ["b", "letters"])):
        assert [heading for heading, _ in table.groups] == names
        assert [cells[:2] for cells in table.rows] == [row]
    assert means.groups[-1] == ("All", ["Mean", "Skew", "Acc", "N"])
    assert [cells[-1] for cells in means.rows] == ["2", "3"]


def test_every_row_of_the_markdown_has_as_many_cells_as_its_head():
    lines = markdown(tables_of(classes_of(ODD))).splitlines()
    assert "| model | 50 %: Mean | 50 %: Std |" in "\n".join(lines)
    for number, line in enumerate(lines):
        if line.startswith("| ---"):
            cells = [row.replace("\\|", "").count("|") for row in lines[number - 1 : number + 3]]
            assert len(set(cells)) == 1


def test_special_characters_are_escaped():
    assert escape("a_b & {c} 5 %") == r"a\_b \& \{c\} 5 \%"
    assert escape("\\~^") == r"\textbackslash{}\textasciitilde{}\textasciicircum{}"
    assert escape("−1") == "$-$1"


def test_every_row_of_the_latex_has_as_many_cells_as_columns():
    for part in latex(tables_of(classes_of(ODD))).split(r"\begin{tabular}{")[1:]:
        columns = part.index("}")
        rows = part[part.index(r"\midrule") : part.index(r"\bottomrule")].strip().splitlines()[1:]
        assert {row.replace(r"\&", "").count("&") + 1 for row in rows} == {columns}


@pytest.mark.parametrize("names", [ODD, ["x"], [f"class {i}" for i in range(20)]], ids=["odd", "one", "twenty"])
def test_latex_compiles(tmp_path, names):
    program = shutil.which("pdflatex") or shutil.which("tectonic")
    if program is None:
        pytest.skip("neither pdflatex nor tectonic is installed")
    body = latex(tables_of(classes_of(names)))
    (tmp_path / "table.tex").write_text(body, encoding="utf-8")
    head = r"\documentclass{article}\usepackage{booktabs}\usepackage{graphicx}\begin{document}"
    (tmp_path / "paper.tex").write_text(head + "\\input{table}\\end{document}\n", encoding="utf-8")
    options = ["-interaction=nonstopmode", "-halt-on-error"] if program.endswith("pdflatex") else []
    done = subprocess.run([program, *options, "paper.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert (tmp_path / "paper.pdf").stat().st_size > 0
    assert "Overfull" not in done.stdout
