"""The page of tables: what is held stands above, patterns without classes show a dash, names are text."""

import pandas as pd
import pytest

from workflow_lib.figures.kstar.page import tables_page
from workflow_lib.kstar.tables import aggregate_table
from workflow_lib.points import DIMENSIONS

POINT = dict(zip(DIMENSIONS, ("net", 0, 100, "test", "original", "logits", "euclidean"), strict=True))


@pytest.fixture
def classes():
    rows = [
        POINT
        | {"layer": layer, "label": label, "class_name": name, "n": 5, "left_out": 0}
        | {"censored": 0, "agreement": float("nan")}
        | {"mean": 0.2, "std": 0.1, "skewness": 2.0, "pattern": "Fractured", "accuracy": 0.5}
        | {
            "mean_low": 0.1,
            "mean_high": 0.3,
            "skewness_low": 1.5,
            "skewness_high": 2.5,
            "pattern_share": 1 - 0.1 * label,
        }
        for layer in ("early", "logits")
        for label, name in enumerate(("<b>", "NA"))
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def pieces(classes):
    """The same points and classes, each in one piece."""
    return classes[[*DIMENSIONS, "label", "class_name"]].assign(pieces=1, made_of="one piece")


def test_constants_stand_above_and_what_varies_in_columns(classes, pieces):
    page = tables_page("A & B", "Why?", classes, aggregate_table(classes), pieces)
    assert "A &amp; B" in page
    assert "<p>Why?</p>" in page
    assert "All: model net, seed 0, interval 100, split test, transform original, metric euclidean." in page
    assert "<th>layer</th>" in page
    assert "<th>model</th>" not in page


def test_samples_that_are_left_out_are_shown_where_there_are_any(classes, pieces):
    for left_out, shown in ((0, False), (3, True)):
        page = tables_page("T", "", classes.assign(left_out=[0, 0, 0, left_out]), aggregate_table(classes), pieces)
        assert ("<th>left out</th>" in page) is shown


def test_a_page_says_how_far_approximate_values_can_be_trusted(classes, pieces):
    page = tables_page("T", "", classes, aggregate_table(classes), pieces)
    assert "approximate" not in page
    assert "<th>censored</th>" not in page
    about = classes.assign(censored=[0, 1, 0, 2], agreement=[1, 0.9, 0, 1])
    page = tables_page("T", "", about, aggregate_table(classes), pieces)
    assert "In 3 of 20 cases" in page
    assert "0.000 or more in every class" in page
    assert "<th>agreement</th>" in page


def test_a_pattern_without_classes_shows_a_dash_and_no_zero(classes, pieces):
    page = tables_page("T", "", classes, aggregate_table(classes), pieces)
    row = page.split("<td>Clustered</td>")[1].split("</tr>")[0]
    assert row.count("—") == 3
    assert "0.000" not in row
    assert "<td>NA</td>" in page
    assert "<td>&lt;b&gt;</td>" in page
    assert "<b>" not in page


def test_intervals_stand_in_brackets_and_uncertain_patterns_have_a_question_mark(classes, pieces):
    page = tables_page("T", "", classes, aggregate_table(classes), pieces)
    assert page.count("<td>0.200 [0.100, 0.300]</td>") == page.count("<td>2.000 [1.500, 2.500]</td>") == 4
    assert page.count("<td>Fractured ?</td>") == 2
    assert page.count("<td>one piece</td>") == 4
    assert "pattern share" not in page


def test_undefined_skewness_shows_a_dash(classes, pieces):
    page = tables_page("T", "", classes.assign(skewness=float("nan")), aggregate_table(classes), pieces)
    assert "nan" not in page
