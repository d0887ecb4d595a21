"""A choice of the kills and signals; all of them: `make proof`."""

import kills
import pytest
from unfinished import jobs_of

pytestmark = pytest.mark.workflow

CHOICE = [
    ("draw_trends", "one job", ("at random",), "beside"),
    ("train_interval", "one job", ("at publication",), "beside"),
    ("tabulate_kstar", "whole group", ("at publication", "at publication"), "beside"),
    ("compute_map", "whole group", ("at random",), "beside"),
    ("count_neighbours", "snakemake alone", ("at random",), "beside"),
    ("draw_neighbours", "snakemake alone", ("at publication",), "after"),
]
SIGNALS = [
    case for case in kills.signals() if case.verb == "train_interval" and case.group != (case.number.name == "SIGTERM")
]


@pytest.mark.parametrize("case", [kills.KillCase(*chosen, 0) for chosen in CHOICE], ids=lambda case: case.name)
def test_after_a_kill_the_next_run_ends_like_one_that_was_not_disturbed(case, tried):
    assert tried[case.name].exact, tried[case.name].difference


@pytest.mark.parametrize("case", SIGNALS, ids=lambda case: case.name)
def test_after_a_signal_nothing_is_left_but_what_resuming_needs(case, tried):
    assert tried[case.name].exact, tried[case.name].difference


def test_every_verb_is_killed_in_each_way():
    cases = list(kills.kills())
    assert {(case.verb, case.kind) for case in cases} == {(verb, kind) for verb in kills.VERBS for kind in kills.KINDS}
    assert sum(len(case.moments) for case in cases) >= 60
    assert len(list(kills.signals())) >= 10


def test_verbs_come_from_the_steps(finished):
    assert {"train_interval", "tabulate_kstar"} <= set(kills.VERBS)
    assert not {"roles", "__init__"} & set(kills.VERBS)
    assert jobs_of(finished, "tabulate_kstar") == ["tabulate_kstar/training", "tabulate_kstar/metrics"]


def test_what_a_job_leaves_behind_is_found_out(finished, tmp_path):
    """Negative control: a runner that does not tidy up after those that were killed."""
    untidy = finished.copy(tmp_path / "untidy")
    untidy.edit("workflow_lib/runner/run.py", "or _is_abandoned(folder)", "")
    outcome = kills.KillCase("render_tables", "whole group", ("at publication",), "beside", 0).run(
        untidy, tmp_path / "case"
    )
    assert not outcome.exact
    assert "left behind" in outcome.difference
