"""Functions and files that a config names: told without running or reading them whether they can be used."""

import os
import socket
from pathlib import Path

import pytest

from workflow_lib.config.functions import problems
from workflow_lib.config.load import load
from workflow_lib.config.paths import folder_problems
from workflow_lib.config.paths import problems as path_problems
from workflow_lib.errors import UserError

MODULE = """
raise SystemExit("this module must not be run")
from json import loads as parse
def load(): pass
if True:
    nested = load
class Network: pass
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["load", "parse", "nested", "Network"])
def test_whatever_a_module_may_bind_is_left_to_the_job(here, name):
    (here / "mine.py").write_text(MODULE)
    assert not list(problems("key", f"mine:{name}"))


def test_a_name_that_no_line_binds_is_told_with_the_nearest(here):
    (here / "mine.py").write_text(MODULE)
    (problem,) = problems("key", "mine:laod")
    assert (problem.where, problem.value) == ("key", "mine:laod")
    assert "it has: load, Network" in problem.allowed
    assert problem.repair == "write mine:load"


@pytest.mark.parametrize(
    "source", ["from json import *", "def __getattr__(name): ...", "globals()['x'] = 1", "exec('x = 1')"]
)
def test_a_module_that_can_get_other_names_is_left_to_the_job(here, source):
    (here / "mine.py").write_text(source)
    assert not list(problems("key", "mine:x"))


def test_modules_in_packages_and_installed_ones_are_found(here):
    (here / "nets" / "wide").mkdir(parents=True)
    (here / "nets" / "wide" / "__init__.py").write_text("def make(): pass")
    assert not list(problems("key", "nets.wide:make"))
    assert [*problems("key", "nets.wide:mke")]
    assert not list(problems("key", "sklearn.datasets:load_wine"))
    assert [*problems("key", "no_such_package:load")]


@pytest.mark.parametrize(
    "source", [b"def load(:", b"# caf\xe9\ndef load(): pass", b"def load(): pass\n\0", b"\tdef load(): pass"]
)
def test_a_source_that_python_cannot_read_is_told(here, source):
    (here / "mine.py").write_bytes(source)
    (problem,) = problems("key", "mine:load")
    assert "mine.py" in problem.allowed


ARRAYS = (".npz", ".zarr")


@pytest.mark.parametrize(
    ("path", "suffixes", "said"),
    [
        ("a.npz", ARRAYS, ""),
        ("b.zarr", ARRAYS, ""),
        ("folder", (), ""),
        ("weights", None, ""),
        ("nowhere.npz", ARRAYS, "no such file"),
        ("weights", ARRAYS, "must end in one of .npz, .zarr"),
        ("c.zarr", ARRAYS, "is a file, and a folder is wanted"),
        ("d.npz", ARRAYS, "is a folder, and a file is wanted"),
        ("weights", (), "is a file, and a folder is wanted"),
        ("folder", None, "is a folder, and a file is wanted"),
    ],
)
def test_paths_are_of_the_wanted_kind(here, path, suffixes, said):
    for file in ("a.npz", "c.zarr", "weights"):
        (here / file).touch()
    for folder in ("b.zarr", "d.npz", "folder"):
        (here / folder).mkdir()
    found = list(path_problems("section", {"key": path}, suffixes))
    assert [problem.where for problem in found] == (["section.key"] if said else [])
    assert not said or said in found[0].allowed


@pytest.mark.parametrize("suffixes", [ARRAYS, None, ()])
@pytest.mark.parametrize("name", ["pipe.npz", "socket.npz", "zeros.npz"])
def test_what_cannot_be_read_to_its_end_is_told(here, name, suffixes):
    os.mkfifo(here / "pipe.npz")
    (here / "zeros.npz").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as place:
        place.bind("socket.npz")
        (problem,) = path_problems("section", {"key": name}, suffixes)
    assert "a pipe, a socket or a device" in problem.allowed


def test_chunks_that_are_not_there_are_told(here):
    (here / "a.zarr" / "c").mkdir(parents=True)
    (here / "a.zarr" / "c" / "0").symlink_to("nowhere")
    os.mkfifo(here / "a.zarr" / "c" / "1")
    (problem,) = path_problems("section", {"key": "a.zarr"}, ARRAYS)
    assert "holds 2 links that lead nowhere or pipes, such as a.zarr/c/0" in problem.allowed


def test_a_folder_that_can_be_made_is_no_problem(here):
    (here / "there").mkdir()
    (here / "link").symlink_to("there")
    for folder in ("new", "new/below", "there", "link", "link/below"):
        assert not list(folder_problems("results", Path(folder)))


@pytest.mark.parametrize(
    ("folder", "found", "said"),
    [
        ("file", "file", "is a file"),
        ("file/below", "file", "is a file"),
        ("broken", "broken", "leads nowhere: gone"),
        ("broken/below", "broken", "leads nowhere: gone"),
        ("pipe", "pipe", "is a file"),
    ],
)
def test_a_folder_that_cannot_be_made_is_told(here, folder, found, said):
    (here / "file").touch()
    os.mkfifo(here / "pipe")
    (here / "broken").symlink_to("gone")
    (problem,) = folder_problems("results", Path(folder))
    assert (problem.where, problem.value) == ("results", found)
    assert said in problem.allowed


def test_folders_in_results_are_looked_at_with_the_config(here):
    (here / "results").mkdir()
    (here / "results" / "features").touch()
    with pytest.raises(UserError, match="results: results/features"):
        load({"datasets": {"d": {"source": "digits"}}})
    (here / "results" / "features").unlink()
    load({"datasets": {"d": {"source": "digits"}}})


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("results/checkpoints/a/seed-0/interval-100.pt", True),
        ("results/../results/checkpoints/missing.pt", True),
        ("linked/checkpoints/a.pt", True),
        ("results/own.pt", False),
        ("checkpoints/a.pt", False),
    ],
)
def test_results_of_the_config_are_no_inputs(here, path, refused):
    """Whether they are there or not: the message must not say that the file is missing, since a run would make it."""
    (here / "results").mkdir()
    (here / "linked").symlink_to("results")
    for file in ("results/own.pt", "checkpoints/a.pt"):
        (here / file).parent.mkdir(exist_ok=True)
        (here / file).touch()
    found = list(path_problems("section", {"key": path}, made=["results/checkpoints", "results/features"]))
    assert [problem.where for problem in found] == (["section.key"] if refused else [])
    assert not refused or "is a result of this workflow" in found[0].allowed


def test_the_path_of_a_checkpoint_is_told_as_the_model_that_trains_it(here):
    path = "results/checkpoints/a_net/seed-3/interval-50.pt"
    (problem,) = path_problems("models.b", {"weights": path}, made=["results/features", "results/checkpoints"])
    assert problem.repair == "write weights: {model: a_net, seed: 3, interval: 50}"
    (other,) = path_problems("datasets.b", {"train": "results/features/a.npz"}, made=["results/features"])
    assert "copy it to a place outside the results" in other.repair


def test_a_file_that_may_not_be_read_is_told(here, monkeypatch):
    (here / "a.npz").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    (problem,) = path_problems("section", {"key": "a.npz"}, ARRAYS)
    assert "no right to read" in problem.allowed
