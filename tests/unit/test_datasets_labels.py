"""Labels as class indices, and the checks of labelled samples."""

import unicodedata

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from workflow_lib.datasets.labels import composed, encode, look_alikes, problems_of, texts
from workflow_lib.datasets.split import strings
from workflow_lib.errors import UserError

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
ANY_LABELS = st.lists(st.integers(0, 2**64 - 1), min_size=1) | st.lists(
    TEXT.map(lambda text: unicodedata.normalize("NFC", text)), min_size=1
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
    kind = np.uint64 if isinstance(values[0], int) else object
    assume(kind is np.uint64 or not look_alikes(values, "here"))  # which are refused
    (labels,), names = encode([("here", np.array(values, dtype=kind))])
    ordered = sorted(set(values))
    assert labels.tolist() == [ordered.index(value) for value in values]
    assert names == tuple(str(value) for value in ordered)


def test_every_kind_of_text_and_integer_is_the_same():
    objects = [np.array(["x", "y"], dtype=object), np.array([b"x", b"y"], dtype=object)]
    for values in (np.array(["x", "y"]), np.array([b"x", b"y"]), strings(["x", "y"]), *objects):
        (labels,), names = encode([("here", values)])
        assert (labels.tolist(), names) == ([0, 1], ("x", "y")), values.dtype
    for kind in (np.uint8, np.int32, np.bool_, np.float32):
        assert encode([("here", np.array([0, 1], dtype=kind))])[0][0].tolist() == [0, 1], kind


@pytest.mark.parametrize(
    ("values", "class_names", "said"),
    [
        (np.array([0, 3, 3]), ["a", "b"], ["label 3 of row 1 and 1 more", "from 0 to 1"]),
        (np.array([0, -1]), None, ["label -1 of row 1", "not negative"]),
        (np.array([0, -1]), ["a", "b"], ["label -1 of row 1", "not negative"]),
        (np.array(["a", "z"]), ["a", "b"], ["label z of row 1", "the classes are a, b"]),
        (np.array([0, 0.5]), None, ["float64"]),
        (np.array([0, np.inf]), None, ["float64"]),
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


def test_a_prediction_of_another_class_is_minus_one():
    (labels, predictions), names = encode(
        [("labels", np.array([7, 3, 7]))], predicted=("predictions", np.array([3, 99, 7]))
    )
    assert (labels.tolist(), predictions.tolist(), names) == ([1, 0, 1], [0, -1, 1], ("3", "7"))


def test_predictions_none_of_which_is_a_class_are_refused():
    with pytest.raises(UserError, match="prediction Cat of row 0 and 1 more") as caught:
        encode([("labels", np.array(["cat", "dog"]))], predicted=("f: predictions", np.array(["Cat", "Dog"])))
    assert "f: predictions" in str(caught.value)


COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


def test_names_match_in_either_unicode_form():
    for label, name in ((COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)):
        assert encode([("here", np.array([label, "x"]))], [name, "x"])[1] == (COMPOSED, "x")
        assert encode([("here", np.array([label, "x"]))])[1] == (COMPOSED, "x")
    assert composed([DECOMPOSED, "x"], "here") == [COMPOSED, "x"]


def test_names_that_differ_only_in_their_unicode_form_are_shown():
    with pytest.raises(UserError) as caught:
        encode([("here", np.array([COMPOSED, DECOMPOSED]))])
    assert r"'caf\xe9' and 'cafe\u0301'" in str(caught.value)


@pytest.mark.parametrize(
    "values",
    [
        ["cat", "dog"],
        np.array([b"cat", b"dog"]),
        np.array([b"cat", b"dog"], object),
        strings(["cat", "dog"]),
        (b"cat", "dog"),
    ],
)
def test_names_of_any_kind_are_text(values):
    assert texts(values, "here") == ["cat", "dog"]


def test_bytes_that_are_not_unicode_are_no_name():
    (labels,), names = encode([("here", np.array([b"\xff", b"\xfe"] * 2))])
    assert "class names are Unicode" in str(problems_of(labels, strings("abcd"), names, "here")[0])


@pytest.mark.parametrize(
    "values",
    [
        np.array("cat dog"),
        np.array([["cat"], ["dog"]]),
        np.array(["cat", None], object),
        np.array([1.5, 2.5]),
        "cat dog",
        {0: "cat", 1: "dog"},
        {"cat", "dog"},
        [["cat"], ["dog", "emu"]],
    ],
)
def test_anything_else_is_no_list_of_names(values):
    with pytest.raises(UserError, match="f.npz: class_names") as caught:
        texts(values, "f.npz: class_names")
    assert "one-dimensional text" in str(caught.value)


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
