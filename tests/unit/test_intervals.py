"""What intervals are shares of is said in every table and figure that shows some, in words from one place."""

import pandas as pd
import pytest
from test_figures import grid, table_of
from test_prototype_figures import draw_quality, histogram_table, interval_table, pair_table, quality_table, texts

from workflow_lib.figures.kstar import trends
from workflow_lib.figures.panels import arrange, constants
from workflow_lib.figures.prototypes import (
    class_pairs,
    dissimilarity,
    distributions,
    images,
)
from workflow_lib.intervals import INTERVALS_OF, axis, reading, with_reading
from workflow_lib.points import points as study_points

BOTH = [*grid(model=["net"], interval=[50, 100]), *grid(model=["grown"], interval=[50, 100])]
BOTH[1][INTERVALS_OF] = ["data"]
NAMES = ["a", "b", "c"]


def of_data(table):
    table.insert(1, INTERVALS_OF, "data")
    return table


def test_tables_have_a_column_after_the_interval_where_a_model_grows_with_its_data():
    table = table_of(BOTH, classes=1).drop(columns=INTERVALS_OF)
    told = with_reading(table, BOTH)
    assert told.columns.tolist().index(INTERVALS_OF) == told.columns.tolist().index("interval") + 1
    assert dict(zip(told["model"], told[INTERVALS_OF], strict=True)) == {"net": "epochs", "grown": "data"}
    assert INTERVALS_OF not in table
    pd.testing.assert_frame_equal(with_reading(table, BOTH[:1]), table)
    without = table.drop(columns="interval")
    pd.testing.assert_frame_equal(with_reading(without, BOTH), without)


def test_points_and_titles_of_panels_say_it():
    points = study_points(BOTH)
    assert [reading(point) for point in points] == ["epochs"] * 2 + ["data"] * 2
    titles = [title.replace("\N{NO-BREAK SPACE}", " ") for title in arrange(points).titles]
    assert titles == [
        f"{model}, {share} % of {what}"
        for model, what in (("net", "training"), ("grown", "the data"))
        for share in (50, 100)
    ]
    assert "100\N{NO-BREAK SPACE}% of training or the data" in constants([points[1], points[3]])


def test_the_axis_of_trends_says_it():
    for chosen, label in (
        (BOTH[:1], "share of the training done (%)"),
        (BOTH[1:], "share of the training images (%)"),
        (BOTH, "share of training or images (%)"),
    ):
        table = with_reading(table_of(chosen).drop(columns=INTERVALS_OF, errors="ignore"), chosen)
        figure, _ = trends.draw(table, wanted=None, threshold=0.5, title="A title")
        assert axis(table) == label
        assert {axes.get_xlabel() for axes in figure.axes[-1:]} == {label}


@pytest.mark.parametrize(
    ("draw", "words"),
    [
        (
            lambda: dissimilarity.draw(of_data(interval_table()), include_self=False, unconverged="keep", title="A"),
            "share of the training images (%)",
        ),
        (
            lambda: distributions.draw(of_data(histogram_table()), include_self=False, unconverged="keep", title="A"),
            "Row: share of the training images (%).",
        ),
        (
            lambda: class_pairs.draw(of_data(pair_table(NAMES)), wanted=None, unconverged="keep", title="A"),
            "100 % of the data",
        ),
        (lambda: draw_quality(of_data(quality_table())), "100 % of the data"),
    ],
)
def test_figures_of_prototypes_say_it(draw, words):
    figure, _ = draw()
    assert words in " ".join(texts(figure)).replace("\N{NO-BREAK SPACE}", " ").replace("\n", " ")


def test_the_set_whose_images_are_shown_says_it():
    point = {"model": "net", "seed": 0, "interval": 25, "initialisation": 1}
    assert images.describe_set(point) == "net, seed 0, 25\N{NO-BREAK SPACE}% of training, start 1."
    assert "25\N{NO-BREAK SPACE}% of the data" in images.describe_set(point | {INTERVALS_OF: "data"})
