"""The examples of docs/data.md are run."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from workflow_lib.config.load import load as load_config
from workflow_lib.datasets.imported import read_imported
from workflow_lib.datasets.sources import load
from workflow_lib.datasets.writing import write

TEXT = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)
DATASETS = {
    name: settings
    for kind, body in BLOCKS
    if kind == "yaml"
    for name, settings in yaml.safe_load(body)["datasets"].items()
}


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Working directory with everything that the examples make or assume."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    scripts = [body for kind, body in BLOCKS if kind == "python" and "open_split" not in body]
    assert len(scripts) == 3
    for script in scripts:
        exec(script, {})
    Path("my_data.py").write_text(next(script for script in scripts if "def load" in script))
    for number in range(8):
        name = ("cat", "dog")[number // 4]
        for folder in (Path("data/pets", ("train", "test")[number % 2], name), Path("data/imagenet/val", name)):
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((40, 50, 3), number, np.uint8)).save(folder / f"{number}.png")
    yield
    sys.modules.pop("my_data", None)


@pytest.mark.parametrize("name", DATASETS)
def test_every_example_is_a_dataset(name, data, tmp_path):
    spec = load_config({"datasets": {name: DATASETS[name]}}).datasets[name].model_dump(mode="json")
    if spec["source"] == "features":
        assert read_imported(spec).features.shape == (60, 8)
    elif spec["source"] == "cifar10":
        assert spec["download"], "the example fetches the files, so they are not read here"
    else:
        for part, split in load(spec).items():
            write(split, tmp_path / f"{part}.zarr.zip", may_be_empty=spec.get("test_fraction") == 1)


def test_all_sources_have_an_example():
    assert {settings["source"] for settings in DATASETS.values()} == {
        "digits", "cifar10", "imagefolder", "arrays", "function", "features"
    }  # fmt: skip


def test_the_selection_examples_select_what_they_say(data):
    selected = {
        name: load(load_config({"datasets": {name: DATASETS[name]}}).datasets[name].model_dump(mode="json"))
        for name in ("three_digits", "odd_or_even")
    }
    assert selected["three_digits"]["train"].class_names == ("3", "8", "5")
    assert [len(split) for split in selected["three_digits"].values()] == [150, 60]
    assert selected["odd_or_even"]["test"].class_names == ("even", "odd")
