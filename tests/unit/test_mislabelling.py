import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_lib import seeds
from workflow_lib.confusion.mislabelling import LEFT_OUT, mislabel

MODES = ("swap", "one_way", "drop", "random")


def mixed(labels, share=0.5, first=0, second=1, seed=0, mode="swap", classes=5):
    rng = seeds.generator("mislabelled", seed)
    return mislabel(np.array(labels), first, second, share, mode, classes, rng)


def test_odd_classes_by_hand():
    labels = np.repeat([0, 1, 2], [5, 8, 3])
    found = mixed(labels)
    assert np.bincount(found[labels == 0], minlength=3).tolist() == [3, 2, 0]  # floor(5 / 2) are called 1
    assert np.bincount(found[labels == 1], minlength=3).tolist() == [4, 4, 0]
    assert found[labels == 2].tolist() == [2, 2, 2]


def counts(found, labels, old):
    return np.bincount(found[labels == old] + 1, minlength=4).tolist()  # left out, 0, 1, 2


@pytest.mark.parametrize(
    ("mode", "of_first", "of_second"),
    [
        ("swap", [0, 3, 2, 0], [0, 4, 4, 0]),
        ("one_way", [0, 3, 2, 0], [0, 0, 8, 0]),
        ("drop", [2, 3, 0, 0], [4, 0, 4, 0]),
    ],
)
def test_the_modes_by_hand(mode, of_first, of_second):
    labels = np.repeat([0, 1, 2], [5, 8, 3])
    found = mixed(labels, mode=mode, classes=3)
    assert counts(found, labels, 0) == of_first
    assert counts(found, labels, 1) == of_second
    assert counts(found, labels, 2) == [0, 0, 0, 3]


def test_one_way_and_back_are_two_things():
    labels = np.repeat([0, 1], 10)
    there, back = mixed(labels, mode="one_way"), mixed(labels, first=1, second=0, mode="one_way")
    assert np.bincount(there).tolist() == [5, 15]
    assert np.bincount(back).tolist() == [15, 5]


def test_random_labels_are_any_but_the_own_one_equally_often():
    labels = np.repeat([0, 2, 3], 1000)
    found = mixed(labels, first=2, second=0, mode="random", classes=5)
    for old in (0, 2):
        own = np.bincount(found[labels == old], minlength=5)
        assert own[old] == 500
        # 125 each of 500, with a standard deviation of 9.7
        assert np.abs(np.delete(own, old) - 125).max() < 4 * 9.7
    assert (found[labels == 3] == 3).all()


@pytest.mark.parametrize(("share", "count"), [(0.29, 29), (0.57, 57), (0.58, 58), (1.0, 100), (0.0, 0), (0.005, 0)])
def test_a_share_is_the_decimal_number_that_was_written(share, count):
    # In binary, 0.29 * 100, 0.57 * 100 and 0.58 * 100 are less than 29, 57 and 58.
    labels = np.repeat([0, 1], 100)
    assert [(mixed(labels, share)[labels == k] != k).sum() for k in (0, 1)] == [count, count]


SHARES = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])


@given(st.lists(st.integers(0, 4), max_size=60), SHARES, st.integers(0, 99), st.sampled_from(MODES))
def test_exact_shares_and_nothing_else(labels, share, seed, mode):
    labels = np.array(labels, dtype=np.int64)
    before = labels.copy()
    found = mixed(labels, share, 3, 1, seed, mode)
    assert np.array_equal(labels, before)
    changed = [3] if mode == "one_way" else [3, 1]
    allowed = {"swap": [1, 3], "one_way": [1], "drop": [LEFT_OUT], "random": range(5)}[mode]
    for old in changed:
        members = found[labels == old]
        assert set(members.tolist()) <= {old, *allowed}
        assert (members != old).sum() == int(share * 100) * len(members) // 100
    others = ~np.isin(labels, changed)
    assert np.array_equal(found[others], labels[others])


@pytest.mark.parametrize("mode", ["swap", "drop", "random"])
def test_each_seed_has_its_own_halves_and_each_sample_its_turn(mode):
    labels = np.repeat([0, 1], 20)
    changed = np.stack([mixed(labels, seed=seed, mode=mode) != labels for seed in range(200)])
    assert np.array_equal(changed[0], mixed(labels, seed=0, mode=mode) != labels)
    assert len(np.unique(changed, axis=0)) == 200
    assert changed.mean(0).min() > 0.35
    assert changed.mean(0).max() < 0.65


def test_a_class_that_is_not_there():
    assert mixed([2, 2, 0, 0]).tolist().count(1) == 1
    assert mixed([2, 2]).tolist() == [2, 2]
