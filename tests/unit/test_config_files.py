"""YAML files of configs: what YAML passes over or explains badly names the file and the line."""

import os

import pytest

from workflow_lib.config import read
from workflow_lib.config.yaml_file import read_mapping
from workflow_lib.errors import UserError

SMALLEST = "datasets:\n  d: {source: digits}\n"


@pytest.mark.parametrize(
    ("content", "line", "parts"),
    [
        (b"", "", ["no content"]),
        (b"# only a comment\n", "", ["no content"]),
        (b"- a\n- b\n", "", ["not a mapping"]),
        (b"just text", "", ["not a mapping"]),
        (b"a: 1\nb: [1, 2\nc: 3\n", ":3", ["not valid YAML"]),
        (b"a: 1\n\tb: 2\n", ":2", ["a tab cannot indent", "indent with spaces"]),
        (b"a: b: c\n", ":1", ["not valid YAML"]),
        (b"a: *b\n", ":1", ["undefined alias"]),
        (b"a: !!python/object:os.system {}\n", ":1", ["not valid YAML"]),
        (b"a: 1\n---\nb: 2\n", ":2", ["not valid YAML"]),
        (b"? [a]\n: 1\n", ":1", ["not valid YAML"]),
        (b"a: 1\nb: caf\xe9\n", ":2", ["not UTF-8", "byte 0xe9"]),
        ("a: 1\n".encode("utf-16"), ":1", ["not UTF-8"]),
        (b"a: 1\nb: \x00\n", ":2", ["control character", "U+0000"]),
        (b"a: 1\nb: 2\na: 3\n", ":3", ["a", "second time, first in line 1"]),
        ("caf\u00e9: 1\ncafe\u0301: 3\n".encode(), ":2", ["caf\u00e9", "second time, first in line 1"]),
        (b"a:\n  b: 1\n  b: 2\n", ":3", ["second time, first in line 2"]),
    ],
)
def test_broken_files_name_file_and_line(tmp_path, content, line, parts):
    path = tmp_path / "config.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError) as caught:
        read_mapping(path)
    (problem,) = caught.value.problems
    assert problem.where == f"{path}{line}"
    for part in parts:
        assert part in str(problem)


def test_all_repeated_keys_are_told(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: {x: 1, x: 2}\nb: 1\nb: 2\n")
    with pytest.raises(UserError) as caught:
        read_mapping(path)
    assert sorted(problem.value for problem in caught.value.problems) == ["b", "x"]


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_files_that_cannot_be_read_are_told(tmp_path, name):
    with pytest.raises(UserError, match="cannot be read"):
        read_mapping(tmp_path / name)


def test_anchors_and_merges_are_no_repetition(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}\n")
    assert read_mapping(path) == {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: &b {c: *b}\n", 2),
        ("a: &a\n  b: {c: [{d: *a}]}\n", 1),
        ("a: &a [1, *a]\n", 1),
        ("a: &a {<<: *a, b: 1}\n", 1),
        ("&top\na: {b: *top}\n", 1),
    ],
)
def test_a_value_that_contains_itself_is_told(tmp_path, text, line):
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as caught:
        read_mapping(path)
    (problem,) = caught.value.problems
    assert problem.where == f"{path}:{line}"
    assert "not contain itself" in problem.allowed


def test_values_nested_without_end_are_told(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("a: " + "[" * 2000 + "]" * 2000)
    with pytest.raises(UserError, match="nested too deeply"):
        read_mapping(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.yaml")
    with pytest.raises(UserError, match="a pipe, a socket or a device"):
        read_mapping(tmp_path / "config.yaml")


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_good_file_is_read(tmp_path, mark):
    path = tmp_path / "config.yaml"
    path.write_text(mark + SMALLEST, "utf-8")
    assert read(path).datasets["d"].source == "digits"


def test_problems_of_values_come_from_the_file_too(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(SMALLEST + "  e: {source: digits, classes: [no, yes]}\n")
    with pytest.raises(UserError, match=r"datasets\.e\.classes\[0\]: false"):
        read(path)
