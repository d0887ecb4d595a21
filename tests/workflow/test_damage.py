"""A choice of the cases of damage; all of them: `make proof`."""

import damage
import disk
import pytest
from choice import chosen

pytestmark = pytest.mark.workflow

CASES = damage.cases()


@pytest.mark.parametrize("case", chosen(CASES, 26), ids=lambda case: case.name)
def test_damage_is_noticed_and_repaired(finished, tmp_path, case):
    outcome = case.run(finished, tmp_path)
    assert outcome.exact, outcome.difference


@pytest.mark.skipif(not disk.can_mount(), reason="only root may mount a small disk")
def test_a_full_disk_and_one_that_may_only_be_read_are_told_in_words(finished, tmp_path):
    for number, case in enumerate([case for case in CASES if isinstance(case, disk.FullDisk | disk.ReadOnly)][-3:]):
        folder = tmp_path / str(number)
        folder.mkdir()
        outcome = case.run(finished, folder)
        assert outcome.exact, outcome.difference


def test_a_case_that_is_not_repaired_is_found_out(finished, tmp_path):
    """Negative control: with a step that trusts its inputs, the damage must show."""
    case = next(case for case in CASES if "classes.csv a byte flipped" in case.name)
    trusting = finished.copy(tmp_path / "trusting")
    trusting.edit("workflow_lib/runner/inputs.py", "digest == expected", "True")
    (tmp_path / "case").mkdir()
    assert not case.run(trusting, tmp_path / "case").exact
