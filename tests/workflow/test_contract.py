"""Rows of the re-run contract, tried with Snakemake itself: two at a time, on copies of one finished run."""

from dataclasses import replace

import contract
import pytest
from choice import chosen
from row import matching

pytestmark = pytest.mark.workflow

JOBS = ["compute_kstar/early/cosine", "compute_kstar/logits/cosine", "draw_maps/one"]


@pytest.mark.parametrize("case", chosen(contract.cases(), 4), ids=lambda case: case.name)
def test_an_edit_starts_and_computes_exactly_what_follows_from_it(case, tried):
    assert tried[case.name].exact, tried[case.name].difference


def test_rows_have_names_of_their_own():
    names = [row.name for row in contract.rows()]
    assert len(set(names)) == len(names) >= 44


@pytest.mark.parametrize(
    ("wrong", "difference"),
    [
        ({"starts": (), "computes": ()}, "must not have been started: render_tables/training"),
        (
            {"starts": ("render_tables/*",), "computes": ("render_tables/*",)},
            "should have been computed: render_tables/met",
        ),
        ({"computes": ()}, "must not have been computed: render_tables/training"),
        ({"equal": True}, "results must not have changed: studies/training/tables.html"),
    ],
)
def test_a_wrong_row_is_not_exact(wrong, difference, finished, tmp_path):
    row = next(row for row in contract.rows() if row.name == "the description of a study")
    outcome = contract.RowCase(replace(row, **wrong)).run(finished, tmp_path)
    assert not outcome.exact
    assert difference in outcome.difference


def test_patterns_name_jobs_from_left_to_right():
    assert matching(("*", "!*/logits/*"), JOBS) == {JOBS[0], JOBS[2]}
    assert matching((), JOBS) == set()


@pytest.mark.parametrize("patterns", [("train_interval/*",), ("draw_*", "!compute_kstar/*"), ("*", "draw_maps/*")])
def test_a_pattern_that_changes_nothing_is_a_mistake(patterns):
    with pytest.raises(ValueError, match="changes nothing"):
        matching(patterns, JOBS)
