"""A choice of the cases of damage; all of them: `make proof`."""

import damage
import disk
import pytest
from choice import chosen

pytestmark = pytest.mark.workflow

CASES = damage.cases()
DISKS = [case for case in CASES if isinstance(case, disk.FullDisk | disk.ReadOnly)]
OTHERS = [case for case in CASES if case not in DISKS]


@pytest.mark.parametrize("case", chosen(OTHERS, 26), ids=lambda case: case.name)
def test_damage_is_noticed_and_repaired(case, tried):
    assert tried[case.name].exact, tried[case.name].difference


@pytest.mark.skipif(not disk.can_mount(), reason="only root may mount a small disk")
@pytest.mark.parametrize("case", DISKS[-3:], ids=lambda case: case.name)
def test_a_full_disk_and_one_that_may_only_be_read_are_told_in_words(case, tried):
    assert tried[case.name].exact, tried[case.name].difference


def test_a_case_that_is_not_repaired_is_found_out(finished, tmp_path):
    """Negative control: with a step that trusts its inputs, the damage must show."""
    case = next(case for case in CASES if "classes.csv a byte flipped" in case.name)
    trusting = finished.copy(tmp_path / "trusting")
    trusting.edit("workflow_lib/runner/inputs.py", "digest == expected", "True")
    (tmp_path / "case").mkdir()
    assert not case.run(trusting, tmp_path / "case").exact
