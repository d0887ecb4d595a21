"""Tables and figures of relations: rows, families of tests, reasons, and what is drawn."""

import itertools

import numpy as np
import pandas as pd
import pytest

from workflow_lib.figures.relations import correlation_matrix, strongest
from workflow_lib.figures.style import save
from workflow_lib.relations.measures import MEASURES
from workflow_lib.relations.tables import correlation_table, in_order, measure_table, pair_table
from workflow_lib.statistics import benjamini_hochberg

NAMES = [f"class {i}" for i in range(6)]
SOURCES = {
    "kstar": {"study": "last", "model": "net", "interval": 100, "layer": "logits", "metric": "cosine", "seeds": 2},
    "prototypes": {"study": "sure", "model": "net", "interval": 50, "seeds": 2, "sets": 6},
    "confusion": {"study": "mixed", "model": "small", "seeds": 20},
}


def matrices():
    generator = np.random.default_rng(0)
    nearest, noise = generator.random((2, 6, 6))
    return {
        "nearest_foreign": nearest,
        "predicted": nearest + 0.1 * noise,
        "C": 1 - (nearest + nearest.T) / 2,
        "R": np.full((6, 6), 0.5),
        "effect": generator.normal(size=(6, 6)),
        "telling_apart": np.full((6, 6), np.nan),
    }


@pytest.fixture(scope="module")
def correlations():
    return correlation_table(matrices(), permutations=199, seed=0)


def test_pairs_and_measures_by_hand():
    pairs, measures = pair_table(NAMES, matrices()), measure_table(matrices(), SOURCES)
    assert list(pairs.columns) == ["class_a", "class_b", *matrices()]
    assert len(pairs) == 30
    row = pairs.query("class_a == 'class 4' and class_b == 'class 1'").iloc[0]
    assert row["nearest_foreign"] == matrices()["nearest_foreign"][4, 1]
    rows = measures.set_index("measure")
    assert rows["method"].to_list() == ["kstar", "kstar", "prototypes", "prototypes", "confusion", "confusion"]
    assert rows["n"].to_list() == [30, 30, 30, 30, 30, 0]
    assert (rows.loc["C", "interval"], rows.loc["C", "sets"], rows.loc["nearest_foreign", "layer"]) == (50, 6, "logits")
    assert pd.isna(rows.loc["effect", "interval"])


def test_correlations_have_directions_reasons_and_two_families(correlations):
    rows = correlations.set_index(["measure", "other"])
    assert len(rows) == 15
    assert rows.loc[("nearest_foreign", "C"), "rho"] == pytest.approx(-1)
    assert tuple(rows.loc[("nearest_foreign", "C"), ["pairs", "n"]]) == ("unordered", 15)
    assert tuple(rows.loc[("nearest_foreign", "effect"), ["pairs", "n"]]) == ("ordered", 30)
    assert rows.loc[("C", "R"), "undefined"] == "all values of the second measure are equal"
    assert rows.loc[("C", "telling_apart"), "undefined"] == "no pair has both values"
    assert (rows["undefined"] == "").equals(rows["rho"].notna())
    assert set(rows["orders"]) == {200}
    assert set(rows["null"]) == {"random orders"}
    within = {("nearest_foreign", "predicted"), ("C", "R"), ("effect", "telling_apart")}
    assert set(rows.index[~rows["across"]]) == within
    for _, own in rows.groupby("across"):
        np.testing.assert_allclose(own["p_adjusted"], benjamini_hochberg(own["p"]))


def test_few_classes_use_all_orders():
    small = {name: matrix[:4, :4] for name, matrix in matrices().items()}
    found = correlation_table(small, permutations=24, seed=0)
    assert set(found["orders"]) == {24}
    assert set(found["null"]) == {"all orders"}


def test_parts_with_their_classes_in_another_order_are_joined():
    one, other = np.arange(9.0).reshape(3, 3), np.arange(9.0).reshape(3, 3) * 10
    names, found = in_order([(["a", "b", "c"], {"C": one}), (["c", "a", "b"], {"effect": other})])
    assert names == ["a", "b", "c"]
    assert found["C"].tolist() == one.tolist()
    assert found["effect"].tolist() == [[40, 50, 30], [70, 80, 60], [10, 20, 0]]


def test_the_matrix_marks_what_is_significant_and_what_is_undefined(correlations, tmp_path):
    measures = measure_table(matrices(), SOURCES)
    figure, numbers = correlation_matrix.draw(correlations, measures, title="A title")
    axes = figure.axes[0]
    framed = {(round(p.get_x() + 0.5), round(p.get_y() + 0.5)) for p in axes.patches if not p.get_fill()}
    names = measures["measure"].to_list()
    small = correlations[correlations["p_adjusted"] < 0.05]
    assert framed == {(names.index(a), names.index(b)) for a, b in zip(small["measure"], small["other"], strict=True)}
    assert len(axes.patches) - len(framed) == (correlations["undefined"] != "").sum()
    pd.testing.assert_frame_equal(numbers, correlations)
    save(figure, numbers, **{kind: tmp_path / f"matrix.{kind}" for kind in ("svg", "png", "csv")})


def test_the_strongest_correlation_of_each_two_methods_is_drawn(correlations):
    measures, pairs = measure_table(matrices(), SOURCES), pair_table(NAMES, matrices())
    figure, dots = strongest.draw(pairs, correlations, measures, title="A title")
    first = dots[dots["panel"] == 0]
    assert (first["measure"].iloc[0], first["other"].iloc[0], len(first)) == ("nearest_foreign", "C", 15)
    row = first.query("class_a == 'class 1' and class_b == 'class 4'").iloc[0]
    nearest = matrices()["nearest_foreign"]
    assert (row["x"], row["y"]) == pytest.approx(((nearest[1, 4] + nearest[4, 1]) / 2, matrices()["C"][1, 4]))
    assert set(dots["panel"]) == {0, 1, 2}
    assert len(dots[dots["panel"] == 1]) == 30
    assert any("class 1 → class" in text.get_text() for text in figure.axes[1].texts)
    assert figure.axes[0].get_xlabel().replace("\n", " ") == f"nearest foreign: {MEASURES['nearest_foreign'].meaning}"


def test_names_of_dots_do_not_touch():
    near = np.linspace(0, 1, 36).reshape(6, 6) ** 8  # most pairs lie close together
    found = {"predicted": near, "C": near + near.T, "effect": near}
    tables = correlation_table(found, permutations=19, seed=0), measure_table(found, SOURCES)
    figure, _ = strongest.draw(pair_table(NAMES, found), *tables, title="A title")
    for axes in figure.axes:
        boxes = [text.get_window_extent() for text in axes.texts]
        assert len(boxes) > 2
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_without_a_correlation_the_figure_says_so():
    nothing = {name: np.full((3, 3), np.nan) for name in ("C", "effect")}
    tables = correlation_table(nothing, permutations=6, seed=0), measure_table(nothing, SOURCES)
    figure, dots = strongest.draw(pair_table(NAMES[:3], nothing), *tables, title="A title")
    assert dots.empty
    assert "no correlation is defined" in [text.get_text() for text in figure.axes[0].texts]
    correlation_matrix.draw(*tables, title="A title")
