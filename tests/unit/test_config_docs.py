"""Generated schema and page are up to date, and agree with what `load` takes; the shipped configs are valid."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from workflow_lib.config import load, read
from workflow_lib.config.generate import COMMAND, drifted, generated, main
from workflow_lib.config.schema import schema
from workflow_lib.errors import UserError

ROOT = Path(__file__).parents[2]
SHIPPED = [ROOT / "config.yaml", *sorted((ROOT / "configs").glob("**/*.yaml"))]

SMALLEST = {"datasets": {"d": {"source": "digits"}}}
MODEL = {"architecture": "small_cnn", "dataset": "d", "training": {"epochs": 4}, "layers": {"out": "logits"}}


def accepts(config) -> bool:
    return jsonschema.Draft202012Validator(schema()).is_valid(config)


def with_model(**keys):
    return SMALLEST | {"models": {"m": MODEL | keys}}


def with_study(**keys):
    return with_model(seeds=[0, 1]) | {"kstar": {"studies": {"s": {"model": "m"} | keys}}}


def test_generated_files_are_up_to_date():
    stale = drifted(ROOT)
    assert not stale, f"{', '.join(stale)}: run {COMMAND}"


def test_check_sees_drift_and_names_the_repair(tmp_path, monkeypatch, capsys):
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["--check"]) == 1
    assert COMMAND in capsys.readouterr().err
    assert main([]) == 0
    assert main(["--check"]) == 0
    page = tmp_path / "docs/config.md"
    page.write_text(page.read_text("utf-8").replace("k*", "kstar"), "utf-8")
    assert main(["--check"]) == 1
    assert "docs/config.md" in capsys.readouterr().err


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(json.loads(generated(ROOT)["docs/config.schema.json"]))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_shipped_configs_are_valid_and_point_to_the_schema(path):
    config = read(path, check_files=False)
    assert config.kstar.studies or config.prototypes.studies or config.confusion.studies
    assert accepts(yaml.safe_load(path.read_text("utf-8")))
    first = path.read_text("utf-8").partition("\n")[0]
    pointer = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / pointer).resolve() == ROOT / "docs/config.schema.json"


def test_shipped_configs_are_found():
    assert {path.stem for path in SHIPPED} >= {"config", "miniature", "cifar10-resnet18", "kstar-training", "rotation"}


@pytest.mark.parametrize(
    "config",
    [
        SMALLEST,
        with_model(seeds={"count": 2}),
        with_model(seeds=[1, 2]),
        with_model(layers={"a": {"module": "conv1", "pool": "max"}, "b": "dense1"}),
        with_study(seed="all", interval="all", layer="all", metric="all", split="all", transform="all"),
        with_study(seed=0, interval=100, layer="out", metric="cosine", split="train", transform="original"),
        with_study(seed=[0, 1], interval=[100], layer=["out"], metric=["cosine", "euclidean"], split=["train"]),
    ],
)
def test_schema_and_load_accept_short_and_long_forms(config):
    assert accepts(config)
    load(config)


@pytest.mark.parametrize(
    "config",
    [
        {},
        SMALLEST | {"model": {}},
        {"datasets": {"Bad-Name": {"source": "digits"}}},
        {"datasets": {"d": {"source": "digit"}}},
        with_model(seeds=5),
        with_model(seeds=[]),
        with_model(seeds={"start": 0}),
        with_model(intervals=[0, 100]),
        with_model(layers={"a": 3}),
        with_study(metric="euclid"),
        with_study(seed=[]),
        with_study(interval="some"),
        with_study(maps="pca"),
    ],
)
def test_schema_and_load_refuse_the_same_shapes(config):
    assert not accepts(config)
    with pytest.raises(UserError):
        load(config)


def test_what_load_writes_out_the_schema_accepts():
    assert accepts(load(with_study(metric="all")).model_dump(mode="json"))


def test_every_key_is_described():
    keys = {name: made["properties"] for name, made in schema()["$defs"].items() if "properties" in made}
    assert {"Training", "Study", "Digits"} <= set(keys)
    assert not [(name, key) for name, made in keys.items() for key in made if not made[key].get("description")]


def examples() -> list[str]:
    """YAML examples of the page."""
    blocks = generated(ROOT)["docs/config.md"].split("```yaml\n")[1:]
    return [block.partition("```")[0] for block in blocks if not block.startswith("#")]


@pytest.mark.parametrize("text", examples(), ids=lambda text: " ".join(text.split())[:50])
def test_examples_of_the_page_are_valid(text):
    example = yaml.safe_load(text)
    others = {
        "datasets": {name: {"source": "digits"} for name in ("photos", "natural", "stylised")}
        | {"intents": {"source": "text", "path": "intents.csv", "test_fraction": 0.2}},
        "models": {
            "net": MODEL | {"dataset": "photos", "layers": {"early": "conv1", "logits": "logits"}},
        },
        "kstar": {"studies": {"training": {"model": "net"}}},
        "prototypes": {"studies": {"towards": {"model": "net"}}},
        "confusion": {"studies": {"digits": {"model": "net"}}},
    }
    datasets = others["datasets"] | example.get("datasets", {})
    transforms = {"stylised": {"kind": "rotation", "degrees": 30}} | example.get("transforms", {})
    models = others["models"] | example.get("models", {})
    load(others | example | {"datasets": datasets, "models": models, "transforms": transforms}, check_files=False)


def test_the_page_has_examples_of_every_section():
    assert {next(iter(yaml.safe_load(text))) for text in examples()} == {
        *("datasets", "models", "transforms", "kstar", "prototypes", "confusion", "relations")
    }
