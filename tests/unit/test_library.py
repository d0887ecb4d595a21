"""The library: what `import latent_atlas` gives, on plain arrays and with few packages."""

import ast
import doctest
import importlib
import inspect
import json
import subprocess
import sys
import tomllib
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from typer import BadParameter

import latent_atlas
from workflow_lib import cli
from workflow_lib.config.environment import closure, pinned

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = [getattr(latent_atlas, name) for name in latent_atlas.__all__]
FUNCTIONS = [function for function in FUNCTIONS if inspect.isfunction(function)]
MODULES = sorted({function.__module__ for function in FUNCTIONS})
FEATURES = np.array([[0.0], [1.0], [2.0], [2.5], [9.0]])
LABELS = ["cat", "cat", "cat", "dog", "dog"]

ALONE = """
import doctest, importlib, sys
sys.path[:0] = sys.argv[1:3]
print(sum(doctest.testmod(importlib.import_module(name)).failed for name in sys.argv[3:]), "examples failed")
print(sorted({"threadpoolctl", "torch", "typer", "xarray", "yaml"} & set(sys.modules)), "loaded")
from workflow_lib.entry import main
main()
"""


@pytest.mark.parametrize("module", MODULES)
def test_examples_hold(module):
    assert doctest.testmod(importlib.import_module(module)).failed == 0


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.__name__)
def test_every_function_has_an_example(function):
    assert f">>> from latent_atlas import {function.__name__}\n" in function.__doc__


def test_the_four_packages_are_enough_and_the_command_says_what_it_needs(tmp_path):
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    packages = closure(needed, pinned(ROOT / "constraints.txt"))
    behind = {"llvmlite", "python-dateutil", "six", "tzdata"}
    assert packages - behind == {"numpy", "scipy", "numba", "pandas"}
    for package in packages:
        for file in files(package):
            first = file.parts[0]
            if first != ".." and not (tmp_path / first).exists():
                (tmp_path / first).symlink_to(str(file.locate())[: -len(str(file))] + first)
    command = [sys.executable, "-S", "-P", "-c", ALONE, str(ROOT), str(tmp_path), *MODULES]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.splitlines() == ["0 examples failed", "[] loaded"], done.stderr
    assert "pip install '.[workflow]'" in done.stderr
    assert done.returncode == 1


def test_installed_without_a_clone_run_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "__file__", str(tmp_path / "site-packages" / "workflow_lib" / "cli.py"))
    with pytest.raises(BadParameter, match="it comes with a clone of the project"):
        cli._snakefile()


def test_frames_and_series_are_arrays():
    labels = pd.Series(LABELS, dtype="category")
    report = latent_atlas.kstar_report(pd.DataFrame(FEATURES), labels)
    assert report["mean"].tolist() == latent_atlas.kstar_report(FEATURES, LABELS)["mean"].tolist() == [7 / 9, 3 / 4]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: latent_atlas.kstar(csr_array(FEATURES), LABELS), ["sparse csr_array (5, 1)", "features.toarray()"]),
        (lambda: latent_atlas.kstar(pd.DataFrame({0: FEATURES[:, 0], 1: "0"}), LABELS), ["features.astype(float)"]),
        (lambda: latent_atlas.summarize(latent_atlas.kstar(FEATURES, LABELS), LABELS), ["kappa float64", "not kstar"]),
        (lambda: latent_atlas.summarize_pieces([0, 0], ["cat"]), ["piece int64 (2,), labels (1,)"]),
    ],
)
def test_an_error_says_what_to_pass(call, words):
    with pytest.raises(latent_atlas.UserError) as error:
        call()
    assert [word for word in words if word not in str(error.value)] == []


def test_the_notebook_shows_what_its_code_gives():
    cells = json.loads((ROOT / "docs/notebooks/digits.ipynb").read_text("utf-8"))["cells"]
    names: dict = {}
    for cell in [cell for cell in cells if cell["cell_type"] == "code"]:
        value = result("".join(cell["source"]), names)
        shown = [
            output["data"]["text/plain"] for output in cell["outputs"] if output["output_type"] == "execute_result"
        ]
        assert ["".join(text).split() for text in shown] == ([] if value is None else [repr(value).split()])


def result(code, names):
    """The value of the last line of a cell, None if that is no expression."""
    *first, last = ast.parse(code).body
    if not isinstance(last, ast.Expr):
        return exec(code, names)
    exec(compile(ast.Module(first, []), "cell", "exec"), names)
    return eval(compile(ast.Expression(last.value), "cell", "eval"), names)
