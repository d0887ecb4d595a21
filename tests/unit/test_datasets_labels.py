"""Labels as class indices, and the checks of labelled samples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_lib.datasets.labels import encode, problems_of
from workflow_lib.datasets.split import strings
from workflow_lib.errors import UserError

ANY_LABELS = st.lists(st.integers(0, 2**40), min_size=1) | st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), min_size=1
)


def test_numbers_become_classes_in_numeric_order():
    (labels,), names = encode([("here", np.array([10, 2, 10, 7]))])
    assert names == ("2", "7", "10")
    assert labels.tolist() == [2, 0, 2, 1]
    assert labels.dtype == np.int64


def test_text_becomes_classes_in_alphabetical_order():
    (labels,), names = encode([("here", np.array(["dog", "cat", "dog"]))])
    assert names == ("cat", "dog")
    assert labels.tolist() == [1, 0, 1]


def test_given_names_number_the_classes_in_their_own_order():
    assert encode([("here", np.array(["dog", "cat"]))], ["dog", "cat"])[0][0].tolist() == [0, 1]
    assert encode([("here", np.array([1, 0]))], ["dog", "cat"])[0][0].tolist() == [1, 0]


def test_parts_share_their_classes():
    (train, test), names = encode([("train", np.array(["b", "a"])), ("test", np.array(["c", "b"]))])
    assert names == ("a", "b", "c")
    assert train.tolist() == [1, 0]
    assert test.tolist() == [2, 1]


@given(ANY_LABELS)
def test_encoding_agrees_with_sorted_distinct_values(values):
    kind = np.int64 if isinstance(values[0], int) else object
    (labels,), names = encode([("here", np.array(values, dtype=kind))])
    ordered = sorted(set(values))
    assert labels.tolist() == [ordered.index(value) for value in values]
    assert names == tuple(str(value) for value in ordered)


def test_every_kind_of_text_and_integer_is_the_same():
    kinds = [np.array(["x", "y"]), np.array([b"x", b"y"]), np.array(["x", "y"], dtype=object), strings(["x", "y"])]
    for values in kinds:
        assert encode([("here", values)])[0][0].tolist() == [0, 1], values.dtype
    for kind in (np.uint8, np.int32, np.bool_):
        assert encode([("here", np.array([0, 1], dtype=kind))])[0][0].tolist() == [0, 1], kind


@pytest.mark.parametrize(
    ("values", "class_names", "said"),
    [
        (np.array([0, 3, 3]), ["a", "b"], ["label 3 of row 1 and 1 more", "from 0 to 1"]),
        (np.array([0, -1]), None, ["label -1 of row 1", "not negative"]),
        (np.array([0, -1]), ["a", "b"], ["label -1 of row 1", "not negative"]),
        (np.array(["a", "z"]), ["a", "b"], ["label z of row 1", "the classes are a, b"]),
        (np.array([0.0, np.nan]), None, ["float64", "row 1 has no label"]),
        (np.array(["a", None], dtype=object), None, ["row 1 has no label"]),
        (np.array([[0, 1]]), None, ["shape (1, 2)", "one-dimensional"]),
    ],
)
def test_wrong_labels_are_named(values, class_names, said):
    with pytest.raises(UserError) as caught:
        encode([("file.npz", values)], class_names)
    for text in ["file.npz", *said]:
        assert text in str(caught.value)


def test_wrong_labels_of_all_parts_are_reported_at_once():
    with pytest.raises(UserError) as caught:
        encode([("train", np.array([5])), ("test", np.array([7]))], ["a", "b"])
    assert [problem.where for problem in caught.value.problems] == ["train", "test"]


def test_text_and_numbers_do_not_mix():
    with pytest.raises(UserError, match="some labels are text"):
        encode([("train", np.array([0])), ("test", np.array(["a"]))])


def test_sound_samples_have_no_problems():
    assert problems_of(np.array([0, 0, 1, 1]), strings("abcd"), ("x", "y"), "here") == []


@pytest.mark.parametrize(
    ("labels", "ids", "names", "said"),
    [
        ([0, 0, 1], "abc", ("x", "y"), ["class y", "a class has one sample"]),
        ([0, 0, 2, 2], "abcd", ("x", "y", "z"), ["class y", "a class has no sample"]),
        ([0, 0], "ab", ("x",), ["only class x", "two at least"]),
        ([0, 0, 1, 1], "abca", ("x", "y"), ["a", "same id"]),
        ([0, 0, 1, 1], "abc", ("x", "y"), ["4 labels, 3 ids"]),
        ([0, 0, 1, 1], "abcd", ("x", "x"), ["class names are unique"]),
    ],
)
def test_unsound_samples_are_named(labels, ids, names, said):
    (problem,) = problems_of(np.array(labels), strings(ids), names, "here")
    for text in ["here", *said]:
        assert text in str(problem)


def test_all_problems_of_a_set_come_together():
    problems = problems_of(np.array([0, 0, 1]), strings("aab"), ("x", "y", "z"), "here")
    assert len(problems) == 3
