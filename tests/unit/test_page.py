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
        | {"mean": 0.2, "std": 0.1, "skewness": 2.0, "pattern": "Fractured", "accuracy": 0.5}
        for layer in ("early", "logits")
        for label, name in enumerate(("<b>", "NA"))
    ]
    return pd.DataFrame(rows)


def test_constants_stand_above_and_what_varies_in_columns(classes):
    page = tables_page("A & B", "Why?", classes, aggregate_table(classes))
    assert "A &amp; B" in page
    assert "<p>Why?</p>" in page
    assert "All: model net, seed 0, interval 100, split test, transform original, metric euclidean." in page
    assert "<th>layer</th>" in page
    assert "<th>model</th>" not in page


def test_samples_that_are_left_out_are_shown_where_there_are_any(classes):
    for left_out, shown in ((0, False), (3, True)):
        page = tables_page("T", "", classes.assign(left_out=[0, 0, 0, left_out]), aggregate_table(classes))
        assert ("<th>left out</th>" in page) is shown


def test_a_pattern_without_classes_shows_a_dash_and_no_zero(classes):
    page = tables_page("T", "", classes, aggregate_table(classes))
    row = page.split("<td>Clustered</td>")[1].split("</tr>")[0]
    assert row.count("—") == 3
    assert "0.000" not in row
    assert "<td>NA</td>" in page
    assert "<td>&lt;b&gt;</td>" in page
    assert "<b>" not in page
