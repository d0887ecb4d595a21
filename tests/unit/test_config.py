"""The config's model: every kind of mistake is told in plain words at its key."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from config_cases import CNN, TRAINING, Raw, change, good, problems, shuffled
from hypothesis import given, settings
from hypothesis import strategies as st

from workflow_lib.config import Config, load
from workflow_lib.errors import UserError

STUDY = "kstar/studies/training"

PGD = {"kind": "pgd", "epsilon": "8/255"}

MISTAKES: list[tuple[str, Any, str, list[str]]] = [
    # sections and names
    ("model", {}, "model", ["not a known key", "write models instead"]),
    ("transforms", None, "transforms", ["must be a mapping", "null"]),
    ("datasets", [], "datasets", ["must be a mapping"]),
    ("kstar/studies", [1], "kstar.studies", ["must be a mapping"]),
    ("datasets/My-Data", {"source": "digits"}, "datasets.My-Data", ["lower-case letters", "my_data"]),
    ("datasets/all", {"source": "digits"}, "datasets.all", ["reserved", "choose another name"]),
    ("models/imported", good()["models"]["cnn"], "models.imported", ["reserved"]),
    ("transforms/original", {"kind": "rotation", "degrees": 1}, "transforms.original", ["always exists"]),
    (f"{CNN}/layers/all", "dense1", "models.cnn.layers.all", ["reserved"]),
    (f"{CNN}/layers/head_input", "dense1", "models.cnn.layers.head_input", ["reserved", "always exists"]),
    # results
    ("results", "a b", "results", ["path of letters", "write for example results/first"]),
    ("results", "../elsewhere", "results", ["without a part"]),
    ("results", "{here}", "results", ["path of letters"]),
    ("results", "results/kstar", "results", ["holds results of other configs"]),
    ("results", 5, "results", ["must be text"]),
    ("results", "", "results", ["path of letters"]),
    # datasets
    ("datasets/digits", None, "datasets.digits", ["must be a mapping"]),
    ("datasets/digits/source", "digit", "datasets.digits.source", ['"digit"', "cifar10", "write digits"]),
    ("datasets/new", {"root": "x"}, "datasets.new.source", ["is required", "add the key source"]),
    ("datasets/digits/test_fraction", 1, "datasets.digits.test_fraction", ["less than 1"]),
    ("datasets/digits/test_fraction", 0, "datasets.digits.test_fraction", ["greater than 0"]),
    ("datasets/digits/test_fracton", 0.2, "datasets.digits.test_fracton", ["write test_fraction instead"]),
    ("datasets/digits/root", "x", "datasets.digits.root", ["not a known key", "split_seed"]),
    ("datasets/digits/split_seed", -1, "datasets.digits.split_seed", ["at least 0"]),
    ("datasets/digits/classes", ["1", False], "datasets.digits.classes[1]", ["YAML reads no", "quotes around it"]),
    ("datasets/digits/classes", ["1", 7], "datasets.digits.classes[1]", ['quotes around it: "7"']),
    ("datasets/digits/classes", ["1", "1"], "datasets.digits.classes", ["twice; here: 1"]),
    ("datasets/emb/classes", ["caf\u00e9", "cafe\u0301"], "datasets.emb.classes", ["twice; here: caf\u00e9"]),
    ("datasets/digits/classes", ["1"], "datasets.digits.classes", ["at least 2 entries, and has 1"]),
    ("datasets/digits/classes", {"1"}, "datasets.digits.classes", ["must be a list"]),
    ("datasets/digits/subsample", {"train": 1}, "datasets.digits.subsample.train", ["at least 2"]),
    (
        "datasets/emb/subsample",
        {"test": 5, "imported": 5},
        "datasets.emb.subsample.test",
        ["not a known key", "imported"],
    ),
    ("datasets/digits/superclasses", {"a": ["1"], "b": ["2", "1"]}, "datasets.digits.superclasses.b", ["in a and b"]),
    (
        "datasets/digits",
        {"source": "digits", "superclasses": {"even": ["0", "2"], "odd": ["1", "3"]}, "classes": ["even", "od"]},
        "datasets.digits.classes",
        ["not a superclass; there are: even, odd", "write odd"],
    ),
    ("datasets/c", {"source": "cifar10"}, "datasets.c.root", ["is required: Folder", "add the key root"]),
    ("datasets/c", {"source": "cifar10", "root": "r", "download": "no"}, "datasets.c.download", ["true or false"]),
    *(
        (
            "datasets/i",
            {"source": "imagefolder", "root": "r", "image_size": size},
            "datasets.i.image_size",
            ["list of two numbers", repair],
        )
        for size, repair in ((8, "write [8, 8]"), ("8", "write [8, 8]"), ({}, "write for example [32, 32]"))
    ),
    (
        "datasets/i",
        {"source": "imagefolder", "root": "r", "image_size": [8]},
        "datasets.i.image_size",
        ["at least 2 entries"],
    ),
    (
        "datasets/i",
        {"source": "imagefolder", "root": "r", "image_size": [8, 8, 3]},
        "datasets.i.image_size",
        ["at most 2 entries"],
    ),
    (
        "datasets/a",
        {"source": "arrays", "train": "a", "test": "b", "layout": "HWC"},
        "datasets.a.layout",
        ["NHWC, NCHW", "write NHWC"],
    ),
    ("datasets/emb/path", 3, "datasets.emb.path", ["must be text"]),
    ("datasets/emb/path", "", "datasets.emb.path", ["must not be empty"]),
    ("datasets/emb/path", None, "datasets.emb.path", ["must be text", "write one text"]),
    ("datasets/emb/features", "", "datasets.emb.features", ["must not be empty"]),
    ("datasets/mine/function", "load", "datasets.mine.function", ["module:name"]),
    ("datasets/mine/options", {"a": {"b": float("nan")}}, "datasets.mine.options.a.b", ["finite"]),
    ("datasets/mine/options", {"a": len}, "datasets.mine.options.a", ["made of text, numbers"]),
    ("datasets/mine/options", {1: 2}, "datasets.mine.options.1", ["a key must be text", "quotes around it"]),
    # models
    (f"{CNN}/architecture", "smal_cnn", "models.cnn.architecture", ["write small_cnn"]),
    (f"{CNN}/architecture", "vgg", "models.cnn.architecture", ["timm/NAME, or module:function"]),
    (f"{CNN}/dataset", "digit", "models.cnn.dataset", ["not a dataset of images", "digits, mine", "write digits"]),
    (f"{CNN}/dataset", "emb", "models.cnn.dataset", ["holds features, not images", "digits, mine"]),
    (f"{CNN}/weights", "torchvision", "models.cnn.weights", ["no weights for the architecture small_cnn"]),
    (f"{CNN}/normalize", {"mean": [0, 0], "std": [1]}, "models.cnn.normalize", ["2 means and 1 standard"]),
    (f"{CNN}/normalize", {"mean": [0], "std": [0]}, "models.cnn.normalize.std[0]", ["greater than 0"]),
    (f"{CNN}/training", None, "models.cnn", ["neither training nor weights"]),
    (f"{TRAINING}/epochs", 15, "models.cnn.training.epochs", ["25 % is 3.75 epochs", "write 12 or 16"]),
    (f"{TRAINING}/epochs", 2, "models.cnn.training.epochs", ["25 % is 0.5 epochs", "write 4"]),
    (f"{TRAINING}/epochs", "20", "models.cnn.training.epochs", ["whole number", "write 20 without quotes"]),
    (f"{TRAINING}/epochs", 20.0, "models.cnn.training.epochs", ["whole number", "write 20"]),
    (f"{TRAINING}/epochs", True, "models.cnn.training.epochs", ["true", "whole number"]),
    (f"{TRAINING}/epochs", "2e1", "models.cnn.training.epochs", ["YAML reads 2e1 as text", "write 20"]),
    (f"{TRAINING}/batch_size", 0, "models.cnn.training.batch_size", ["at least 1"]),
    (f"{TRAINING}/lr", "1e-3", "models.cnn.training.lr", ["YAML reads 1e-3 as text", "write 0.001 or 1.0e-3"]),
    (f"{TRAINING}/lr", "0.01", "models.cnn.training.lr", ["write 0.01 without quotes"]),
    (f"{TRAINING}/lr", 0, "models.cnn.training.lr", ["greater than 0"]),
    (f"{TRAINING}/lr", float("nan"), "models.cnn.training.lr", ["finite"]),
    (f"{TRAINING}/lr", "fast", "models.cnn.training.lr", ["must be a number", '"fast"']),
    (f"{TRAINING}/optimizer", "adm", "models.cnn.training.optimizer", ["sgd, adam, adamw", "write adam"]),
    (f"{TRAINING}/optimizer", "adam", "models.cnn.training.momentum", ["adam takes no momentum"]),
    (
        TRAINING,
        {"epochs": 20, "optimizer": "sgd", "nesterov": True},
        "models.cnn.training.nesterov",
        ["needs a momentum above 0"],
    ),
    (
        "models/cnn/layers/early",
        "conv9.relu",
        "models.cnn.layers.early",
        ["module of small_cnn", "dense1", "write conv"],
    ),
    (f"{TRAINING}/momentun", 0.9, "models.cnn.training.momentun", ["write momentum instead"]),
    (f"{TRAINING}/augmentation", None, "models.cnn.training.augmentation", ["must be a mapping"]),
    (f"{TRAINING}/augmentation/crop_padding", -1, "models.cnn.training.augmentation.crop_padding", ["at least 0"]),
    (f"{CNN}/seeds", [1, 1], "models.cnn.seeds", ["twice; here: 1"]),
    (f"{CNN}/seeds", [0, -1], "models.cnn.seeds[1]", ["at least 0"]),
    (f"{CNN}/seeds", [], "models.cnn.seeds", ["at least one entry"]),
    (f"{CNN}/seeds", 5, "models.cnn.seeds", ["must be a list", "write [5]"]),
    (f"{CNN}/seeds", {"count": 0}, "models.cnn.seeds", ["{start, count}"]),
    (f"{CNN}/seeds", {"start": 0, "number": 2}, "models.cnn.seeds", ["{start, count}", "number"]),
    (f"{CNN}/intervals", [25, 50], "models.cnn.intervals", ["must contain 100"]),
    (f"{CNN}/intervals", [25, 101, 100], "models.cnn.intervals[1]", ["at most 100"]),
    (f"{CNN}/intervals", [100, 25, 25], "models.cnn.intervals", ["twice; here: 25"]),
    (f"{CNN}/layers", {}, "models.cnn.layers", ["at least one entry"]),
    (f"{CNN}/layers/early", 5, "models.cnn.layers.early", ["name of a module"]),
    (f"{CNN}/layers/late", {"module": "fc", "pool": "mean"}, "models.cnn.layers.late.pool", ["none, avg, max"]),
    ("models/ready/seeds", [0, 1], "models.ready.seeds", ["[0, 1]", "must be [0]", "add training"]),
    ("models/ready/intervals", [50, 100], "models.ready.intervals", ["must be [100]"]),
    # transforms
    ("transforms/turned/kind", "rotate", "transforms.turned.kind", ["rotation, centre_crop", "write rotation"]),
    ("transforms/turned/degrees", 400, "transforms.turned.degrees", ["at most 360"]),
    ("transforms/noisy", {"kind": "gaussian_noise", "std": 0}, "transforms.noisy.std", ["greater than 0"]),
    ("transforms/pgd", PGD | {"epsilon": "8/0"}, "transforms.pgd.epsilon", ["a ratio such as 8/255"]),
    ("transforms/pgd", PGD | {"epsilon": 8}, "transforms.pgd.epsilon", ["8", "at most 1 for linf", "write for"]),
    ("transforms/pgd", PGD | {"norm": "L2"}, "transforms.pgd.norm", ["linf, l2", "write l2"]),
    (
        "transforms/pgd",
        PGD | {"restarts": 2, "random_start": False},
        "transforms.pgd.restarts",
        ["all attacks start at the image", "write 1"],
    ),
    (
        "datasets/changed",
        {"source": "transformed", "of": "digits", "transform": "turnd"},
        "datasets.changed.transform",
        ["is not a transform; there are: turned", "write turned"],
    ),
    (
        "datasets/changed",
        {"source": "transformed", "of": "changed", "transform": "turned"},
        "datasets.changed.of",
        ["contains itself: changed -> changed"],
    ),
    ("transforms/own", {"kind": "function", "function": "blur"}, "transforms.own.function", ["module:name"]),
    (f"{TRAINING}/adversarial", {"steps": 3}, "models.cnn.training.adversarial.epsilon", ["is required"]),
    (f"{TRAINING}/precision", "float16", "models.cnn.training.precision", ["must be one of float32, tf32, bfloat16"]),
    (
        f"{TRAINING}/adversarial",
        {"epsilon": "300/255"},
        "models.cnn.training.adversarial.epsilon",
        ["at most 1 for linf"],
    ),
    # kstar
    ("kstar/threshold", 0, "kstar.threshold", ["greater than 0"]),
    ("kstar/treshold", 1, "kstar.treshold", ["write threshold instead"]),
    ("kstar/skewness", "anchor", "kstar.skewness", ["anchored, plain", "write anchored"]),
    ("kstar/maps", {"samples": 3}, "kstar.maps.samples", ["at least 10"]),
    (f"{STUDY}/model", "cn", "kstar.studies.training.model", ["not a model", "cnn, ready", "write cnn"]),
    (f"{STUDY}/model", None, "kstar.studies.training", ["has neither"]),
    (f"{STUDY}/features", "emb", "kstar.studies.training", ["has both"]),
    (f"{STUDY}/seed", [3, 9], "kstar.studies.training.seed", ["9", "seed of the model cnn; there are: 3, 4"]),
    (f"{STUDY}/seed", "al", "kstar.studies.training.seed", ["or all"]),
    (f"{STUDY}/seed", [], "kstar.studies.training.seed", ["at least one value, or all"]),
    (f"{STUDY}/interval", 50, "kstar.studies.training.interval", ["interval of the model cnn; there are: 25, 100"]),
    (f"{STUDY}/interval", [25, 1.5], "kstar.studies.training.interval[1]", ["whole number"]),
    (f"{STUDY}/split", "tests", "kstar.studies.training.split", ["train, test, all", "write test"]),
    (f"{STUDY}/transform", "turn", "kstar.studies.training.transform", ["original, turned", "write turned"]),
    (f"{STUDY}/layer", ["early", "lat"], "kstar.studies.training.layer", ["early, late", "write late"]),
    (f"{STUDY}/layer", ["early", "early"], "kstar.studies.training.layer", ["twice; here: early"]),
    (f"{STUDY}/metric", "euclid", "kstar.studies.training.metric", ["cosine, all", "write euclidean"]),
    (f"{STUDY}/maps", ["pca", "tse"], "kstar.studies.training.maps[1]", ["isomap, pca, umap", "write tsne"]),
    (f"{STUDY}/maps", "pca", "kstar.studies.training.maps", ["must be a list", "write [pca]"]),
    (f"{STUDY}/classes", [], "kstar.studies.training.classes", ["at least one entry"]),
    ("kstar/studies/both/layer", "early", "kstar.studies.both.layer", ["layer of the model ready; there are: late"]),
    ("kstar/studies/texts/features", "em", "kstar.studies.texts.features", ["imported features", "write emb"]),
    ("kstar/studies/texts/features", "digits", "kstar.studies.texts.features", ["not a dataset of imported features"]),
    ("kstar/studies/texts/seed", "all", "kstar.studies.texts.seed", ["no seed to choose", "remove seed"]),
    ("kstar/studies/texts/layer", "early", "kstar.studies.texts.layer", ["no layer to choose"]),
]


@pytest.mark.parametrize(("path", "value", "where", "parts"), MISTAKES, ids=lambda value: str(value)[:40])
def test_one_mistake_is_one_problem_at_its_key(path, value, where, parts):
    found = problems(change(path, value))
    assert set(found) == {where}
    for part in parts:
        assert part in found[where]
    for jargon in ("Input should", "valid", "pydantic", "NoneType", "dictionary"):
        assert jargon not in found[where]


def test_mistakes_mutate_a_config_that_is_valid():
    assert load(good(), check_files=False).models["cnn"].seeds == (3, 4)


def test_mistakes_of_shape_and_sense_are_told_together():
    raw = change("models/cnn/training/lr", "1e-3")
    raw["datasets"]["emb"]["pth"] = "x"
    raw["models"]["ready"]["dataset"] = "digts"
    raw["kstar"]["studies"]["training"] |= {"transform": "turnd", "interval": 33}
    raw["kstar"]["studies"]["texts"]["metric"] = "cosin"
    assert set(problems(raw)) == {
        "models.cnn.training.lr",
        "datasets.emb.pth",
        "models.ready.dataset",
        "kstar.studies.training.transform",
        "kstar.studies.texts.metric",
    }


def test_a_malformed_part_makes_no_problem_where_it_is_named():
    raw = change("datasets/digits/test_fraction", 2)
    raw["transforms"]["turned"]["degrees"] = "x"
    assert set(problems(raw)) == {"datasets.digits.test_fraction", "transforms.turned.degrees"}


@pytest.mark.parametrize(
    ("drop", "where", "part"),
    [
        (lambda raw: raw.pop("datasets"), "datasets", "is required"),
        (lambda raw: raw["models"]["cnn"].pop("layers"), "models.cnn.layers", "is required: Layers whose"),
        (lambda raw: raw["models"]["cnn"]["training"].pop("epochs"), "models.cnn.training.epochs", "is required"),
        (lambda raw: raw["transforms"]["turned"].pop("degrees"), "transforms.turned.degrees", "Angle"),
        (lambda raw: raw["datasets"]["emb"].pop("path"), "datasets.emb.path", "The file"),
    ],
)
def test_what_is_missing_is_explained(drop: Callable[[Raw], Any], where, part):
    raw = good()
    drop(raw)
    assert part in problems(raw)[where]


def test_a_key_that_yaml_reads_as_false_is_shown_as_written():
    raw = good()
    raw["datasets"][False] = {"source": "digits"}
    assert "put quotes around it" in problems(raw)["datasets.false"]


@pytest.mark.parametrize("raw", [{}, [], None, "text"])
def test_a_config_without_content_names_its_origin(raw):
    with pytest.raises(UserError, match=r"mine\.yaml"):
        load(raw, "mine.yaml")


def test_no_datasets_and_no_models_are_told():
    raw = {"datasets": {}, "kstar": {"studies": {"a": {"model": "all"}, "b": {"features": "all"}}}}
    assert set(problems(raw)) == {"datasets", "kstar.studies.a.model", "kstar.studies.b.features"}


def test_files_must_be_there_unless_they_are_downloaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    raw = good()
    raw["datasets"]["c"] = {"source": "cifar10", "root": "cifar"}
    raw["datasets"]["d"] = {"source": "cifar10", "root": "cifar", "download": True}
    with pytest.raises(UserError) as caught:
        load(raw)
    assert [problem.where for problem in caught.value.problems] == [
        "datasets.emb.path",
        "datasets.mine.function",
        "datasets.c.root",
        "models.ready.weights",
        "models.ready.architecture",
    ]
    assert str(tmp_path / "emb.npz") in str(caught.value)
    for folder in ("cifar", "mine"):
        (tmp_path / folder).mkdir()
    for name, text in {"emb.npz": "", "w.pt": "", "mine/__init__.py": "load = 1", "mine/nets.py": "make = 1"}.items():
        (tmp_path / name).write_text(text)
    assert load(raw) == load(raw, check_files=False)


@settings(deadline=None)
@given(path_and_value=st.sampled_from([(path, value) for path, value, *_ in MISTAKES]), order=st.randoms())
def test_loading_leaves_what_it_is_given_alone(path_and_value, order):
    raw = shuffled(change(*path_and_value), order)
    before = repr(raw)
    problems(raw)
    assert repr(raw) == before


ANYTHING = st.recursive(
    st.sampled_from(
        [None, True, -1, 0, 1.5, 1e300, float("inf"), "", "all", "1e-3", "1e999", "digits", date(2024, 1, 2)]
    )
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from([None, False, 3, 1.5, (1, 2), "source", "kind", "seed", "x"]), inner, max_size=2
        )
    ),
    max_leaves=4,
)
PLACES = sorted(
    {path for path, *_ in MISTAKES} | {"datasets", "models", "kstar", "models/cnn", "models/cnn/seeds/start"}
)


def attempt(raw: Raw) -> tuple[Config | None, str]:
    """The config, or what is wrong with it."""
    try:
        return load(raw, check_files=False), ""
    except UserError as error:
        return None, str(error)


@settings(max_examples=300, deadline=None)
@given(path=st.sampled_from(PLACES), value=ANYTHING)
def test_anything_anywhere_is_a_config_or_told_in_plain_words(path, value):
    config, wording = attempt(change(path, value))
    assert "is not valid" not in wording
    if config:
        assert load(config.model_dump(mode="json"), check_files=False) == config


def test_the_longest_range_of_seeds_is_bounded():
    assert len(load(change(f"{CNN}/seeds", {"count": 10_000}), check_files=False).models["cnn"].seeds) == 10_000
    assert "models.cnn.seeds" in problems(change(f"{CNN}/seeds", {"count": 10_001}))


def test_the_file_of_predictions_is_read_before_anything_starts(tmp_path):
    file = tmp_path / "map.json"
    file.write_text('{"0": [1], "1": [1]}')
    model = {**good()["models"]["cnn"], "dataset": "d", "predictions": {"map": str(file)}}
    raw = {"datasets": {"d": {"source": "digits", "classes": ["0", "1", "2"]}}, "models": {"m": model}}
    with pytest.raises(UserError) as caught:
        load(raw)
    assert [problem.where for problem in caught.value.problems] == ["models.m.predictions.map"] * 2
    assert "one class at most" in str(caught.value)
    assert "map.json: 2" in str(caught.value)


FOLDER = {"source": "imagefolder", "root": ".", "test_fraction": 0.5}


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({}, "has neither"),
        ({"crop": 8}, "has crop"),
        ({"resize": 8}, "has resize"),
        ({"image_size": [8, 8], "crop": 8}, "has image_size and crop"),
        ({"resize": 8, "crop": 9}, "must not be larger than resize, 8"),
    ],
)
def test_the_size_of_images_is_given_in_one_of_two_ways(keys, text):
    with pytest.raises(UserError, match=text):
        load({"datasets": {"d": FOLDER | keys}})


WHOLE = FOLDER | {"image_size": [8, 8], "test_fraction": 1}


@pytest.mark.parametrize(
    ("keys", "where", "text"),
    [
        (WHOLE | {"subsample": {"train": 9, "test": 4}}, "subsample.train", "has no training split (test_fraction: 1)"),
        (WHOLE | {"split_seed": 3}, "split_seed", "nothing is split with test_fraction: 1"),
        (WHOLE | {"test_fraction": None, "split_seed": 3}, "split_seed", "nothing is split with test_fraction: null"),
        ({"source": "digits", "subsample": {"seed": 3}}, "subsample.seed", "nothing is drawn without train or test"),
    ],
)
def test_a_key_that_would_have_no_effect_is_refused(keys, where, text):
    found = problems(change("datasets/odd", keys))
    assert [*found] == [f"datasets.odd.{where}"]
    assert text in found[f"datasets.odd.{where}"]


def test_a_dataset_made_of_others_has_no_training_split_without_theirs():
    raw = change("datasets/whole", WHOLE)
    made = {"source": "transformed", "of": "whole", "transform": "turned"}
    raw["datasets"]["turned"] = made | {"subsample": {"train": 9}}
    assert "no training split" in problems(raw)["datasets.turned.subsample.train"]
    raw["datasets"]["turned"] = made | {"subsample": {"test": 9, "seed": 3}}
    raw["datasets"]["halved"] = FOLDER | {"image_size": [8, 8], "split_seed": 3, "subsample": {"train": 9}}
    assert load(raw, check_files=False)


def test_what_needs_a_training_split_is_refused_without_one():
    raw = good()
    raw["datasets"]["digits"] = FOLDER | {"image_size": [8, 8], "test_fraction": 1}
    raw["kstar"]["studies"]["training"]["split"] = "all"
    found = problems(raw)
    assert "no training split" in found["models.cnn.dataset"]
    assert "no training split" in found["kstar.studies.training.split"]
    raw["models"]["cnn"] = raw["models"]["ready"] | {"dataset": "digits", "layers": {"early": "a", "late": "b"}}
    raw["kstar"]["studies"]["training"] = {"model": "cnn"}
    assert load(raw, check_files=False)
