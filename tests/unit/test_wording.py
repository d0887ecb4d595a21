"""How names and values are shown in messages."""

import pytest

from workflow_lib.errors import listed, nearest, write_nearest, yaml_text


def test_long_lists_are_cut():
    assert listed(range(12), 10) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... (2 more)"
    assert listed("ab", 10) == listed("ab") == "a, b"
    assert listed([]) == listed([], 10) == "none"


@pytest.mark.parametrize(("name", "found"), [("euclid", "euclidean"), ("COSINE", "cosine"), ("zebra", None), (7, None)])
def test_the_nearest_name(name, found):
    assert nearest(name, ("euclidean", "cosine")) == found


def test_a_repair_names_the_nearest_or_something_else():
    assert write_nearest("cosin", ["cosine"]) == "write cosine"
    assert write_nearest("zebra", ["cosine"]) == "choose one of these"
    assert write_nearest("zebra", [], "remove it") == "remove it"


def test_values_are_shown_as_yaml_in_one_line():
    assert yaml_text({"a": [True, None]}) == '{"a": [true, null]}'
    assert len(yaml_text("x" * 500)) == 80
