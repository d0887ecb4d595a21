"""What is refused for rows of numbers and for texts."""

import pytest
from config_cases import problems

from workflow_lib.config import extras, load
from workflow_lib.config.datasets_text import hub_folder
from workflow_lib.errors import UserError

TRAINING = {"epochs": 2}
MODEL = {"architecture": "mlp", "training": TRAINING, "layers": {"logits": "logits"}}
RAW = {
    "datasets": {
        "photos": {"source": "digits"},
        "texts": {"source": "text", "path": "x.csv", "splits": "split"},
        "encoded": {"source": "encoded", "of": "texts", "encoder": "tfidf"},
        "cells": {"source": "table", "path": "x.csv", "test_fraction": 0.5, "scaling": "standard"},
        "iris": {"source": "iris"},
    },
    "models": {name: MODEL | {"dataset": name} for name in ("photos", "encoded", "cells", "iris")},
    "transforms": {"turned": {"kind": "rotation", "degrees": 30}},
    "prototypes": {"studies": {"fine": {"model": ["photos", "iris"]}}},
}


def with_entry(section, name, entry):
    return RAW | {section: RAW.get(section, {}) | {name: entry}}


def of_iris(**keys):
    return with_entry("models", "m", MODEL | {"dataset": "iris"} | keys)


def test_the_frame_is_good():
    load(RAW, check_files=False)


@pytest.mark.parametrize(
    ("raw", "where", "words"),
    [
        (
            with_entry("models", "m", MODEL | {"dataset": "texts"}),
            "models.m.dataset",
            ["holds texts, not numbers", "source: encoded and of: texts"],
        ),
        (with_entry("datasets", "d", {"source": "union", "of": ["photos", "texts"]}), "datasets.d.of", ["holds texts"]),
        (
            with_entry("datasets", "d", {"source": "transformed", "of": "iris", "transform": "turned"}),
            "datasets.d.of",
            ["holds rows of numbers, not images"],
        ),
        (
            with_entry("datasets", "d", {"source": "encoded", "of": "photos", "encoder": "tfidf"}),
            "datasets.d.of",
            ["holds images, not texts", "datasets of texts are: texts"],
        ),
        (
            of_iris(training=TRAINING | {"augmentation": {"flip": True}}),
            "models.m.training.augmentation",
            ["changes images"],
        ),
        (
            with_entry(
                "models",
                "m",
                MODEL
                | {
                    "dataset": "iris",
                    "training": TRAINING | {"adversarial": {"epsilon": 0.1, "step": 0.1, "steps": 1}},
                },
            ),
            "models.m.training.adversarial",
            ["rows of numbers"],
        ),
        (
            of_iris(examine=["photos"]),
            "models.m.examine",
            ["holds images"],
        ),
        (
            RAW | {"kstar": {"studies": {"s": {"model": "iris", "transform": "all"}}}},
            "kstar.studies.s.transform",
            ["changes images"],
        ),
        (
            RAW | {"prototypes": {"studies": {"s": {"model": "encoded"}}}},
            "prototypes.studies.s.model",
            ["no text belongs to the numbers"],
        ),
        (
            RAW | {"prototypes": {"studies": {"s": {"model": "cells"}}}},
            "prototypes.studies.s.model",
            ["without bounds", "write datasets.cells.scaling: unit"],
        ),
        (
            with_entry("datasets", "d", {"source": "text", "path": "x.csv"}),
            "datasets.d",
            ["needs either splits or test_fraction, and has neither"],
        ),
        (
            with_entry("datasets", "d", {"source": "encoded", "of": "texts", "encoder": "tfidf", "pooling": "cls"}),
            "datasets.d.pooling",
            ["the encoder tfidf has no pooling"],
        ),
        (
            with_entry("datasets", "d", {"source": "encoded", "of": "texts", "encoder": "minilm"}),
            "datasets.d.encoder",
            ["sentence-transformers/FOLDER"],
        ),
        (
            with_entry("datasets", "d", {"source": "features", "path": "x.npy"}),
            "datasets.d.path",
            ["name the file of the labels: labels_path"],
        ),
        (
            with_entry("datasets", "d", {"source": "features", "path": "x.csv"}),
            "datasets.d.path",
            ["must end in one of .npz"],
        ),
    ],
)
def test_what_does_not_fit(raw, where, words):
    found = problems(raw)
    assert list(found) == [where]
    for word in words:
        assert word in found[where]


def test_confusion_studies_run_on_rows():
    study = {"model": "iris", "pairs": [["setosa", "virginica"]], "seeds": {"start": 0, "count": 5}}
    load(RAW | {"confusion": {"studies": {"s": study}}}, check_files=False)


def test_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").mkdir()
    for name in ("x.h5ad", "x.csv", "x.safetensors"):
        (tmp_path / name).touch()
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    datasets = {
        "texts": RAW["datasets"]["texts"],
        "encoded": {"source": "encoded", "of": "texts", "encoder": "transformers/x"},
        "clips": {"source": "audio", "root": "x", "test_fraction": 0.5},
        "cells": {"source": "features", "path": "x.h5ad"},
        "tensors": {"source": "features", "path": "x.safetensors"},
        "digits": {"source": "digits"},
    }
    net = {"architecture": "timm/resnet18", "dataset": "digits", "layers": {"logits": "logits"}}
    models = {"net": net, "stored": net | {"architecture": "small_cnn", "weights": "x.safetensors"}}
    with pytest.raises(UserError) as error:
        load({"datasets": datasets, "models": models | {"net": net | {"training": {"epochs": 1}}}})
    found = {problem.where: problem.repair for problem in error.value.problems}
    assert found == {
        where: f"pip install -c constraints.txt -e '.[{extra}]'"
        for where, extra in {
            "datasets.encoded.encoder": "text",
            "datasets.clips.source": "sound",
            "datasets.cells.path": "anndata",
            "datasets.tensors.path": "safetensors",
            "models.net.architecture": "timm",
            "models.stored.weights": "safetensors",
        }.items()
    }
    assert "sentence_transformers, transformers, which the extra text installs" in str(error.value)


def test_a_name_in_the_cache_of_the_hub(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    assert hub_folder("org/minilm") is None
    refs = tmp_path / "hub" / "models--org--minilm" / "refs"
    refs.mkdir(parents=True)
    (refs / "main").write_text("1234\n")
    assert hub_folder("org/minilm") == tmp_path / "hub" / "models--org--minilm" / "snapshots" / "1234"
