import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_lib import seeds
from workflow_lib.confusion.mislabelling import mislabel


def mixed(labels, share=0.5, first=0, second=1, seed=0):
    return mislabel(np.array(labels), first, second, share, seeds.generator("mislabelled", seed))


def test_odd_classes_by_hand():
    labels = np.repeat([0, 1, 2], [5, 8, 3])
    found = mixed(labels)
    assert np.bincount(found[labels == 0], minlength=3).tolist() == [3, 2, 0]  # floor(5 / 2) are called 1
    assert np.bincount(found[labels == 1], minlength=3).tolist() == [4, 4, 0]
    assert found[labels == 2].tolist() == [2, 2, 2]


@pytest.mark.parametrize(("share", "count"), [(0.29, 29), (0.57, 57), (0.58, 58), (1.0, 100), (0.0, 0), (0.005, 0)])
def test_a_share_is_the_decimal_number_that_was_written(share, count):
    # In binary, 0.29 * 100, 0.57 * 100 and 0.58 * 100 are less than 29, 57 and 58.
    labels = np.repeat([0, 1], 100)
    assert [(mixed(labels, share)[labels == k] != k).sum() for k in (0, 1)] == [count, count]


@given(st.lists(st.integers(0, 4), max_size=60), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0]), st.integers(0, 99))
def test_exact_shares_and_nothing_else(labels, share, seed):
    labels = np.array(labels, dtype=np.int64)
    before = labels.copy()
    found = mixed(labels, share, 3, 1, seed)
    assert np.array_equal(labels, before)
    for old, new in ((3, 1), (1, 3)):
        members = found[labels == old]
        assert set(members.tolist()) <= {old, new}
        assert (members == new).sum() == int(share * 100) * len(members) // 100
    others = ~np.isin(labels, [1, 3])
    assert np.array_equal(found[others], labels[others])


def test_each_seed_has_its_own_halves_and_each_sample_its_turn():
    labels = np.repeat([0, 1], 20)
    changed = np.stack([mixed(labels, seed=seed) != labels for seed in range(200)])
    assert np.array_equal(changed[0], mixed(labels, seed=0) != labels)
    assert len(np.unique(changed, axis=0)) == 200
    assert changed.mean(0).min() > 0.35
    assert changed.mean(0).max() < 0.65


def test_a_class_that_is_not_there():
    assert mixed([2, 2, 0, 0]).tolist().count(1) == 1
    assert mixed([2, 2]).tolist() == [2, 2]
