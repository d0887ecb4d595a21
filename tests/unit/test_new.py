"""`latent-atlas new`: the folder that it makes, and what it refuses."""

import runpy
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from workflow_lib import cli
from workflow_lib.config.load import load
from workflow_lib.errors import UserError
from workflow_lib.new import KINDS, SCHEMA, make
from workflow_lib.plan import targets
from workflow_lib.plan.load import load_plan, read_config


@pytest.fixture(params=KINDS)
def made(request, tmp_path, monkeypatch):
    """A new folder of each kind, as working directory, with the example's data."""
    monkeypatch.chdir(tmp_path)
    names = make(Path("study"), request.param)
    assert sorted(names) == sorted(path.name for path in Path("study").iterdir())
    monkeypatch.chdir("study")
    for script in Path().glob("example_*.py"):
        runpy.run_path(str(script))
    return request.param


def test_the_config_and_the_example_fit_each_other(made):
    plan = load_plan(read_config(["config.yaml"]), ["config.yaml"])
    assert any(path.endswith(".svg") for path in targets.default(plan))
    assert {".gitignore", "README.md"} <= {path.name for path in Path().iterdir()}


def test_editors_find_the_schema(made):
    assert SCHEMA.is_file()
    assert Path("config.yaml").read_text().startswith(f"# yaml-language-server: $schema={SCHEMA}\n")


def test_weights_instead_of_a_training(tmp_path):
    make(tmp_path / "study", "model")
    lines = (tmp_path / "study" / "config.yaml").read_text().splitlines()
    lines = [
        line.replace("# weights:", "weights:") for line in lines if "training:" not in line and "interval" not in line
    ]
    lines = [line for line in lines if "seed" not in line]
    model = load(yaml.safe_load("\n".join(lines)), check_files=False).models["mine"]
    assert model.weights == "my_weights.pt"


def test_an_empty_folder_is_filled(tmp_path):
    make(tmp_path, "images")
    assert (tmp_path / "config.yaml").is_file()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("full", "has files in it"),
        ("file", "is not a folder"),
        ("lost", "is not a folder"),
        ("missing/study", "there is no folder"),
        ("two\nlines", "cannot be printed"),
        ("n" * 300, "File name too long"),
    ],
)
def test_what_cannot_be_made_is_refused_and_nothing_is_touched(tmp_path, name, said):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    (tmp_path / "file").touch()
    (tmp_path / "lost").symlink_to("nowhere")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UserError, match=said):
        make(tmp_path / name, "images")
    assert sorted(tmp_path.rglob("*")) == before


def test_the_command_says_what_to_do_next(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.app, ["new", "my study", "--from", "model"])
    assert done.exit_code == 0, done.output
    assert "cd 'my study'" in done.output
    wrong = CliRunner().invoke(cli.app, ["new", "other", "--from", "sounds"])
    assert wrong.exit_code == 2
    assert "none of images, model, embeddings" in wrong.output


def test_the_first_screen_of_help_shows_it():
    assert "latent-atlas new mystudy" in CliRunner().invoke(cli.app, ["--help"]).output
