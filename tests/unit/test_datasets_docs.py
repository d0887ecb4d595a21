"""The examples of docs/data.md are run."""

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from workflow_lib.config.load import load as load_config
from workflow_lib.datasets.artifact import open_split
from workflow_lib.datasets.imported import read_imported
from workflow_lib.datasets.sources import load
from workflow_lib.datasets.union import union
from workflow_lib.datasets.writing import write, write_texts
from workflow_lib.steps.encode_texts import encode_texts
from workflow_lib.steps.roles import Context
from workflow_lib.steps.transform_dataset import transform_dataset

TEXT = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", TEXT, flags=re.DOTALL)
DATASETS = {
    name: settings
    for kind, body in BLOCKS
    if kind == "yaml"
    for name, settings in yaml.safe_load(body)["datasets"].items()
}

TRANSFORMS = {
    name: settings
    for kind, body in BLOCKS
    if kind == "yaml"
    for name, settings in yaml.safe_load(body).get("transforms", {}).items()
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
    for number in range(16):
        root = ("data/pets", "data/painted")[number // 8]
        file = Path(root, ("train", "test")[number % 2], ("cat", "dog")[number // 4 % 2], f"{number}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40, 50, 3), number, np.uint8)).save(file)
    for number in range(8):
        name = ("cat", "dog")[number // 4]
        for folder in (Path("data/pets", ("train", "test")[number % 2], name), Path("data/imagenet/val", name)):
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((40, 50, 3), number, np.uint8)).save(folder / f"{number}.png")
    Path("data/cells.csv").write_text("size,weight,type\n" + "1,2,a\n3,4,a\n5,6,b\n7,8,b\n" * 4)
    sentences = [{"utterance": f"{word} there", "intent": word} for word in ("hello", "goodbye") * 2]
    Path("data/intents.json").write_text(json.dumps({"train": sentences, "test": sentences}))
    yield
    sys.modules.pop("my_data", None)


def record_digits(folder):
    """Two clips of each of two digits by each of two speakers, and the table that names them."""
    soundfile = pytest.importorskip("soundfile", reason="needs the extra sound")
    (folder / "recordings").mkdir(parents=True)
    clips = [(digit, speaker, number) for digit in "07" for speaker in ("theo", "lucas") for number in range(2)]
    for digit, speaker, number in clips:
        wave = np.sin(np.arange(4000) * (int(digit) + 1) / 10)
        soundfile.write(folder / f"recordings/{digit}_{speaker}_{number}.wav", wave, 8000)
    rows = [f"recordings/{digit}_{speaker}_{number}.wav,{digit},{speaker}\n" for digit, speaker, number in clips]
    (folder / "clips.csv").write_text("path,label,speaker\n" + "".join(rows))


@pytest.mark.parametrize("name", DATASETS)
def test_every_example_is_a_dataset(name, data, tmp_path):
    if DATASETS[name]["source"] == "audio":
        record_digits(Path("data/fsdd"))
    of = DATASETS[name].get("of", [])
    needed = {part: DATASETS[part] for part in (*([of] if isinstance(of, str) else of), name)}
    config = load_config({"datasets": needed, "transforms": TRANSFORMS})
    spec = config.datasets[name].model_dump(mode="json")
    if spec["source"] == "union":
        parts = {part: load(config.datasets[part].model_dump(mode="json")) for part in spec["of"]}
        for part, splits in parts.items():
            write(splits["test"], tmp_path / f"{part}.zarr.zip")
        whole = union({part: open_split(tmp_path / f"{part}.zarr.zip") for part in parts})
        assert whole.ids[0] == "pets/test/cat/1.png"
    elif spec["source"] == "transformed":
        for part, split in load(config.datasets[of].model_dump(mode="json")).items():
            write(split, tmp_path / f"{part}.zarr.zip")
        spec["transform"] = config.transforms[spec["transform"]].model_dump(mode="json")
        parts = {f"{part}_parts": [tmp_path / f"{part}.zarr.zip"] for part in ("train", "test")}
        made = {part: tmp_path / f"made-{part}.zarr.zip" for part in ("train", "test")}
        transform_dataset(spec=spec, **parts, **made, context=Context("cpu", 1, tmp_path))
        assert open_split(made["test"]).ids[0] == "test/cat/1.png"
    elif spec["source"] == "encoded":
        for part, split in load(config.datasets[of].model_dump(mode="json")).items():
            write_texts(split, tmp_path / f"{part}.zarr.zip")
        parts = {f"{part}_parts": [tmp_path / f"{part}.zarr.zip"] for part in ("train", "test")}
        made = {part: tmp_path / f"made-{part}.zarr.zip" for part in ("train", "test")}
        encode_texts(spec=spec, **parts, **made, context=Context("cpu", 1, tmp_path))
        assert open_split(made["test"]).image_shape == (1, 1, 3)
    elif spec["source"] == "features":
        assert read_imported(spec).features.shape == (60, 8)
    elif spec["source"] == "cifar10":
        assert spec["download"], "the example fetches the files, so they are not read here"
    else:
        for part, split in load(spec).items():
            if spec["source"] == "text":
                write_texts(split, tmp_path / f"{part}.zarr.zip")
                continue
            write(split, tmp_path / f"{part}.zarr.zip", may_be_empty=spec.get("test_fraction") == 1)


def test_all_sources_have_an_example():
    assert {settings["source"] for settings in DATASETS.values()} == {
        "digits", "glyphs", "cifar10", "imagefolder", "arrays", "audio", "table", "text", "encoded", "function",
        "features", "union", "transformed",
    }  # fmt: skip


def test_the_selection_examples_select_what_they_say(data):
    selected = {
        name: load(load_config({"datasets": {name: DATASETS[name]}}).datasets[name].model_dump(mode="json"))
        for name in ("three_digits", "odd_or_even")
    }
    assert selected["three_digits"]["train"].class_names == ("3", "8", "5")
    assert [len(split) for split in selected["three_digits"].values()] == [150, 60]
    assert selected["odd_or_even"]["test"].class_names == ("even", "odd")
