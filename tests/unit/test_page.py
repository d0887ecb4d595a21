"""The page of tables: what is held stands above, patterns without classes show a dash, names are text."""

import pandas as pd
import pytest

from workflow_lib.figures.kstar.page import tables_page
from workflow_lib.kstar.tables import aggregate_table, seed_table
from workflow_lib.kstar.trend import trend_table
from workflow_lib.points import DIMENSIONS

POINT = dict(zip(DIMENSIONS, ("net", "digits", 0, 100, "test", "original", "logits", "euclidean"), strict=True))


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


def page_of(classes, title="T", description="", scales=None):
    """The page of these classes, each in one piece."""
    pieces = classes[[*DIMENSIONS, "label", "class_name"]].assign(pieces=1, made_of="one piece")
    tables = {
        "aggregates": aggregate_table(classes),
        "seeds": seed_table(classes),
        "trend": trend_table(classes, scales),
    }
    return tables_page(title, description, classes=classes, pieces=pieces, **tables)


def test_constants_stand_above_and_what_varies_in_columns(classes):
    page = page_of(classes, "A & B", "Why?")
    assert "A &amp; B" in page
    assert "<p>Why?</p>" in page
    constants = "model net, dataset digits, seed 0, interval 100, split test, transform original, metric euclidean"
    assert f"All: {constants}." in page
    assert "<th>layer</th>" in page
    assert "<th>model</th>" not in page


def test_samples_that_are_left_out_are_shown_where_there_are_any(classes):
    for left_out, shown in ((0, False), (3, True)):
        page = page_of(classes.assign(left_out=[0, 0, 0, left_out]))
        assert ("<th>left out</th>" in page) is shown


def test_a_page_says_how_far_approximate_values_can_be_trusted(classes):
    page = page_of(classes)
    assert "approximate" not in page
    assert "<th>censored</th>" not in page
    page = page_of(classes.assign(censored=[0, 1, 0, 2], agreement=[1, 0.9, 0, 1]))
    assert "In 3 of 20 cases" in page
    assert "0.000 or more in every class" in page
    assert "<th>agreement</th>" in page


def test_a_pattern_without_classes_shows_a_dash_and_no_zero(classes):
    page = page_of(classes)
    row = page.split("<td>Clustered</td>")[1].split("</tr>")[0]
    assert row.count("—") == 3
    assert "0.000" not in row
    assert "<td>NA</td>" in page
    assert "<td>&lt;b&gt;</td>" in page
    assert "<b>" not in page


def test_intervals_stand_in_brackets_and_uncertain_patterns_have_a_question_mark(classes):
    page = page_of(classes)
    assert page.count("<td>0.200 [0.100, 0.300]</td>") == page.count("<td>2.00 [1.50, 2.50]</td>") == 4
    assert page.count("<td>Fractured ?</td>") == 2
    assert page.count("<td>one piece</td>") == 4
    assert "pattern share" not in page


def test_undefined_skewness_shows_a_dash(classes):
    page = page_of(classes.assign(skewness=float("nan")))
    assert "nan" not in page


def test_seeds_are_compared_where_there_are_several(classes):
    assert "<h2>Seeds" not in page_of(classes)
    page = page_of(pd.concat([classes, classes.assign(seed=1)], ignore_index=True))
    seeds = page.split("<h2>Seeds")[1].split("<h2>")[0]
    assert "<th>fractured</th>" in seeds
    assert "<th>seed</th>" not in seeds


def test_correlations_are_shown(classes):
    assert "<td>accuracy</td>" in page_of(classes).split("<h2>Rank correlations")[1]
    found = page_of(classes).split("<h2>Rank correlations")[1]
    assert "<th>scale</th>" not in found
    turned = classes.assign(transform=["a", "b", "a", "b"], strength=[30, 60, 30, 60])
    assert page_of(turned, scales={"rotation": ["a", "b"]}).count("<td>rotation</td>") == 3


def test_small_values_keep_their_digits(classes):
    """k* of a class of a thousand samples can be 0.001: two decimals would show none of it."""
    page = page_of(classes.assign(mean=0.00226, mean_low=0.0019, mean_high=0.0031, skewness=31.432))
    assert "<td>0.00226 [0.00190, 0.00310]</td>" in page
    assert "<td>31.4 [" in page
