"""Config files and --config as one mapping."""

import pytest

from workflow_lib.errors import UserError
from workflow_lib.plan.load import load_plan, read_config


def test_later_files_and_then_entries_count_and_numbers_stay_numbers(tmp_path):
    (tmp_path / "a.yaml").write_text("kstar: {threshold: 0.5, neighbours: 3}\nmodels: {m: 1}\n")
    (tmp_path / "b.yaml").write_text("kstar: {neighbours: 4}\n")
    read = read_config([tmp_path / "a.yaml", tmp_path / "b.yaml"], ["kstar={threshold: 0.7}", "models=", "x=a=b"])
    assert read == {"kstar": {"threshold": 0.7, "neighbours": 4}, "models": None, "x": "a=b"}


def test_all_files_and_entries_that_cannot_be_read_are_told_at_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "twice.yaml").write_text("a: 1\na: 2\n")
    with pytest.raises(UserError) as caught:
        read_config([tmp_path / "none.yaml", tmp_path / "twice.yaml"], ["kstar={", "datasets={}"])
    assert [problem.where for problem in caught.value.problems] == ["none.yaml", "twice.yaml:2", "--config kstar:1"]


def test_a_cache_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "shared").symlink_to("gone")
    monkeypatch.setenv("LATENT_ATLAS_CACHE", "shared")
    with pytest.raises(UserError, match="cache: shared\n    is a link that leads nowhere: gone"):
        load_plan({"datasets": {"d": {"source": "digits"}}}, [])


def test_what_is_hidden_in_an_image_folder_is_no_part_of_the_settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures" / "cat").mkdir(parents=True)

    def settings():
        entry = {"source": "imagefolder", "root": "pictures", "image_size": [8, 8], "test_fraction": 0.5}
        return load_plan({"datasets": {"pets": entry}}, []).prepare_dataset("pets")

    first = settings()
    hidden = tmp_path / "pictures" / "cat" / ".ipynb_checkpoints"
    hidden.mkdir()
    (hidden / "1.png").touch()
    assert settings() == first
    (tmp_path / "pictures" / "dog").mkdir()
    assert settings() != first
