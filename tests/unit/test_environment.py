"""Environments for conda and containers, written from the pins."""

from pathlib import Path

import pytest
import yaml

from workflow_lib.config import environment
from workflow_lib.config.generate import drifted

ROOT = Path(__file__).resolve().parents[2]


def test_an_edit_and_a_lost_file_are_drift(tmp_path):
    (tmp_path / "docs").mkdir()
    docs = ("docs/config.md", "docs/config.schema.json")
    for name in ("pyproject.toml", "constraints.txt", "environment.yaml", "Dockerfile", *docs):
        text = (ROOT / name).read_text()
        (tmp_path / name).write_text(text.replace("numpy==", "numpy==0.") if name == "environment.yaml" else text)
    assert drifted(tmp_path) == ["environment.yaml", "apptainer.def"]


def test_conda_gets_exact_versions_of_what_runs_and_nothing_else():
    pins = yaml.safe_load((ROOT / "environment.yaml").read_text())["dependencies"][-1]["pip"]
    constraints = (ROOT / "constraints.txt").read_text().splitlines()
    names = {pin.partition("==")[0] for pin in pins}
    assert set(pins) <= set(constraints)
    assert {"torch", "snakemake", "numba", "snakemake-executor-plugin-slurm", "llvmlite"} <= names
    assert not {"pytest", "mypy", "ruff", "hypothesis"} & names


def test_what_needs_what_is_followed_to_its_end():
    pins = {name: f"{name}==1" for name in ("scikit-learn", "scipy", "numpy", "joblib", "pytest")}
    assert environment.closure(["scikit-learn>=1"], pins) == {"scikit-learn", "scipy", "numpy", "joblib"}


def test_a_dependency_without_a_pin_is_told():
    with pytest.raises(KeyError, match="numpy"):
        environment.closure(["numpy>=2"], {})
