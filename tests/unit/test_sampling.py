"""Stratified choice of samples."""

import numpy as np
import pytest

from workflow_lib.seeds import sample_rows

LABELS = np.repeat([0, 1, 2, 7], [100, 60, 39, 1])


def test_all_rows_when_there_are_few_enough():
    np.testing.assert_array_equal(sample_rows(LABELS, 200, 0), np.arange(200))


def test_classes_keep_their_shares_and_the_smallest_keeps_one():
    rows = sample_rows(LABELS, 40, 0)
    assert (np.diff(rows) > 0).all()
    assert np.bincount(LABELS[rows]).tolist() == [20, 12, 8, 0, 0, 0, 0, 1]


def test_the_draw_follows_the_seed_alone():
    np.testing.assert_array_equal(sample_rows(LABELS, 40, 3), sample_rows(LABELS, 40, 3))
    assert sample_rows(LABELS, 40, 3).tolist() != sample_rows(LABELS, 40, 4).tolist()


@pytest.mark.parametrize("size", [100, 50])
def test_a_class_is_drawn_alike_whatever_the_others_are(size):
    others = np.where(LABELS[size:] == 1, 5, LABELS[size:])
    changed = np.concatenate([LABELS[:size], others])
    first, second = sample_rows(LABELS, 40, 0), sample_rows(changed, 40, 0)
    np.testing.assert_array_equal(first[first < size], second[second < size])
