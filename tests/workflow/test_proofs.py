"""The cases of the proofs: a few with every `make test`, more in CI; and that what is wrong is found out."""

from dataclasses import replace

import contract
import damage
import kills
import mistakes
import pytest
from mistake import Mistake
from proof import chosen
from row import Row, matching
from unfinished import place_of

pytestmark = pytest.mark.workflow

JOBS = ["compute_kstar/early/cosine", "compute_kstar/logits/cosine", "draw_maps/one"]
TITLE = "the title of a study"
KILL = "draw_trends: one job, at publication (0)"
FLIPPED = "studies: classes.csv a byte flipped, read by render_tables"


@pytest.mark.parametrize("case", chosen("contract", 65, "nothing", TITLE, "a figure deleted"))
def test_an_edit_starts_and_computes_exactly_what_follows_from_it(case, finished, tmp_path):
    assert case.run(finished, tmp_path).wrong == []


@pytest.mark.parametrize("case", chosen("kills", 60, KILL))
def test_after_a_kill_the_next_run_ends_like_one_that_was_not_disturbed(case, finished, tmp_path):
    assert case.run(finished, tmp_path).wrong == []


@pytest.mark.parametrize("case", chosen("damage", 190, FLIPPED))
def test_damage_is_noticed_and_repaired(case, finished, tmp_path):
    assert case.run(finished, tmp_path).wrong == []


@pytest.mark.parametrize("case", chosen("mistakes", 40, "two mistakes", "a function that raises"))
def test_a_mistake_is_told_in_one_message_and_touches_nothing(case, finished, tmp_path):
    assert case.run(finished, tmp_path).wrong == []


def test_there_are_as_many_different_cases_as_we_say():
    least = {"contract": 185, "kills": 181, "damage": 379, "mistakes": 269}
    for proof, module in {"contract": contract, "kills": kills, "damage": damage, "mistakes": mistakes}.items():
        names = [case.name for case in module.cases()]
        assert len(names) == len(set(names)) >= least[proof]


@pytest.mark.slow
def test_a_wrong_row_is_found_out(finished, tmp_path):
    row = next(row for row in contract.cases() if row.name == "the description of a study")
    done = row.do(finished, tmp_path)
    assert row.judge(done).wrong == []
    for wrong, difference in (
        ({"starts": ""}, "must not have been started: render_tables/training"),
        ({"starts": "render_tables/*"}, "should have been computed: render_tables/metrics"),
        ({"computes": ""}, "must not have been computed: render_tables/training"),
        ({"equal": True}, "results must not have changed: studies/kstar/training/tables.html"),
    ):
        assert difference in "\n".join(replace(row, **wrong).judge(done).wrong)


@pytest.mark.slow
def test_what_a_job_leaves_behind_is_found_out(finished, tmp_path):
    """With a runner that does not tidy up after those that were killed."""
    untidy = finished.copy(tmp_path / "untidy")
    untidy.edit("workflow_lib/runner/run.py", "or _is_abandoned(folder)", "")
    case = kills.KillCase("render_tables", "whole group", ("at publication",), "beside", 0)
    assert "left behind" in "\n".join(case.run(untidy, tmp_path / "case").wrong)


@pytest.mark.slow
def test_damage_that_is_not_repaired_is_found_out(finished, tmp_path):
    """With a step that trusts its inputs."""
    trusting = finished.copy(tmp_path / "trusting")
    trusting.edit("workflow_lib/runner/inputs.py", "digest == expected", "True")
    case = next(case for case in damage.cases() if "classes.csv a byte flipped" in case.name)
    assert case.run(trusting, tmp_path).wrong


def test_a_mistake_that_is_none_is_found_out(finished, tmp_path):
    wrong = Mistake("nothing wrong", ("kstar.threshold",)).run(finished, tmp_path).wrong
    assert {"exit code 0", "not in the agreed form", "does not say 'kstar.threshold' there"} <= set(wrong)


def test_every_verb_is_killed_in_each_way():
    cases = list(kills.kills())
    assert {(case.verb, case.kind) for case in cases} == {(verb, kind) for verb in kills.VERBS for kind in kills.KINDS}
    assert {"train_interval", "tabulate_kstar"} <= set(kills.VERBS)
    assert not {"roles", "__init__"} & set(kills.VERBS)
    for verb in kills.VERBS:
        place_of(verb)


def test_patterns_name_jobs_from_left_to_right():
    assert matching("* !*/logits/*", JOBS) == {JOBS[0], JOBS[2]}
    assert matching("", JOBS) == set()


@pytest.mark.parametrize("patterns", ["train_interval/*", "draw_* !compute_kstar/*", "* draw_maps/*"])
def test_a_pattern_that_changes_nothing_is_refused(patterns):
    with pytest.raises(ValueError, match="changes nothing"):
        matching(patterns, JOBS)


def test_a_row_computes_only_what_it_starts():
    with pytest.raises(ValueError, match="does not start"):
        Row("a row", lambda project: None, starts="draw_*", computes="compute_*").jobs(JOBS)
