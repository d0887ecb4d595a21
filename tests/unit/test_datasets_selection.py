"""Class subsets, superclasses, subsamples and train/test parts."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_lib.datasets.selection import regroup, select, split_rows, subsample_rows
from workflow_lib.datasets.split import Split, numbered, strings
from workflow_lib.errors import UserError

PETS = ("cat", "dog", "ship", "truck")


def split_of(labels, class_names=PETS):
    """A split whose image i has the value i everywhere."""
    labels = np.asarray(labels, dtype=np.int64)

    def read(rows):
        return np.broadcast_to(rows[:, None, None, None], (len(rows), 1, 2, 2)).astype(np.uint8)

    return Split("toy", "toy", labels, numbered("s", len(labels)), class_names, (1, 2, 2), np.dtype(np.uint8), read)


def values_of(split):
    return split.read(np.arange(len(split)))[:, 0, 0, 0].tolist()


def test_classes_are_numbered_in_the_order_of_the_list():
    part = select(split_of([0, 1, 2, 3, 1, 0]), {"classes": ["dog", "cat"]}, "train")
    assert part.class_names == ("dog", "cat")
    assert part.labels.tolist() == [1, 0, 0, 1]
    assert values_of(part) == [0, 1, 4, 5]
    assert part.ids.tolist() == ["s-00000", "s-00001", "s-00004", "s-00005"]


@pytest.mark.parametrize("names", [["vehicle", "animal"], ["animal", "vehicle"]])
def test_superclasses_merge_and_drop_whatever_the_order_of_keys(names):
    groups = {"vehicle": ["truck"], "animal": ["dog", "cat"]}
    spec = {"superclasses": {name: groups[name] for name in names}}
    part = select(split_of([0, 1, 2, 3]), spec, "train")
    assert part.class_names == ("animal", "vehicle")
    assert part.labels.tolist() == [0, 0, 1]
    assert values_of(part) == [0, 1, 3]


def test_selections_chain():
    spec = {
        "superclasses": {"b": ["cat", "dog"], "a": ["ship"], "c": ["truck"]},
        "classes": ["c", "b"],
        "subsample": {"train": 2, "test": None, "seed": 0},
    }
    part = select(split_of([0, 1, 2, 3] * 5), spec, "train")
    assert part.class_names == ("c", "b")
    assert np.bincount(part.labels).tolist() == [2, 2]
    assert all((value % 4 == 3) == (label == 0) for value, label in zip(values_of(part), part.labels, strict=True))
    assert len(select(split_of([0, 1, 2, 3] * 5), spec, "test")) == 15


def test_an_unknown_class_is_named_with_the_nearest():
    with pytest.raises(UserError) as caught:
        select(split_of([0, 1, 2, 3]), {"classes": ["dogs", "cat", "zebra"]}, "train")
    text = str(caught.value)
    assert len(caught.value.problems) == 2
    for part in ("toy: classes", "dogs", "zebra", "cat, dog, ship, truck", "write dog"):
        assert part in text


def test_a_subsample_of_another_split_is_refused():
    with pytest.raises(UserError, match=r"write subsample: \{given: COUNT}"):
        select(split_of([0, 1]), {"subsample": {"train": 2, "seed": 0}}, "given")


def test_regroup_keeps_pixels_with_their_labels():
    split = split_of(np.arange(40) % 4)
    part = regroup(split, {"x": ["truck"], "y": ["cat"]}, "classes")
    assert [value % 4 for value in values_of(part)] == [{0: 3, 1: 0}[label] for label in part.labels]


LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=60).map(np.array)


@given(LABELS, st.integers(1, 12), st.integers(0, 99))
def test_subsamples_are_stratified_and_at_most_the_class(labels, count, seed):
    rows = subsample_rows(labels, numbered("s", len(labels)), count, seed=seed)
    expected = np.minimum(np.bincount(labels, minlength=4), count)
    assert np.bincount(labels[rows], minlength=4).tolist() == expected.tolist()
    assert (np.diff(rows) > 0).all()


@given(LABELS, st.integers(1, 12), st.integers(0, 99))
def test_a_larger_subsample_contains_the_smaller(labels, count, seed):
    ids = numbered("s", len(labels))
    small = subsample_rows(labels, ids, count, seed=seed)
    large = subsample_rows(labels, ids, count + 1, seed=seed)
    assert set(small) <= set(large)


@given(LABELS, st.randoms(use_true_random=False))
def test_choices_hang_on_ids_and_not_on_the_order_of_files(labels, random):
    ids = numbered("s", len(labels))
    order = np.array(random.sample(range(len(labels)), len(labels)))
    for draw in (
        lambda labels, ids: subsample_rows(labels, ids, 3, seed=5),
        lambda labels, ids: split_rows(labels, ids, 0.3, seed=5)[1],
    ):
        assert set(ids[draw(labels, ids)]) == set(ids[order][draw(labels[order], ids[order])])


def test_the_seed_changes_the_choice():
    labels = np.zeros(200, dtype=np.int64)
    ids = numbered("s", 200)
    first, second = (subsample_rows(labels, ids, 50, seed=seed).tolist() for seed in (0, 1))
    assert first != second


def test_chosen_rows_do_not_crowd_at_the_start():
    rows = subsample_rows(np.zeros(10_000, dtype=np.int64), numbered("s", 10_000), 1000, seed=0)
    assert 4600 < rows.mean() < 5400, "1000 of 10,000 uniform rows: mean 5000, standard error 91"


@given(LABELS, st.floats(0.01, 0.99), st.integers(0, 99))
def test_train_and_test_part_every_class_alike(labels, fraction, seed):
    train, test = split_rows(labels, numbered("s", len(labels)), fraction, seed=seed)
    assert sorted([*train, *test]) == list(range(len(labels)))
    for label in np.unique(labels):
        size, tested = (labels == label).sum(), (labels[test] == label).sum()
        if size == 1:
            assert tested == 0
        else:
            assert 1 <= tested <= size - 1
            assert abs(tested - fraction * size) <= 0.5 or tested in (1, size - 1)


def test_a_larger_test_fraction_keeps_the_tested():
    labels, ids = np.arange(300) % 3, strings(f"id{i}" for i in range(300))
    small, large = (set(split_rows(labels, ids, fraction, seed=0)[1]) for fraction in (0.2, 0.4))
    assert small < large
    assert (len(small), len(large)) == (60, 120)


@pytest.mark.parametrize(("size", "fraction", "tested"), [(13, 0.2, 3), (12, 0.2, 2), (10, 0.25, 3), (2, 0.9, 1)])
def test_the_tested_share_is_rounded_to_the_nearest(size, fraction, tested):
    _, test = split_rows(np.zeros(size, dtype=np.int64), numbered("s", size), fraction, seed=0)
    assert len(test) == tested
