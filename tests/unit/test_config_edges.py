"""References between entries of the config: unions, weights of other models, and datasets that are examined."""

import pytest
from config_cases import good, problems

from workflow_lib.config import load
from workflow_lib.config.studies import resolve_kstar

NET = {"architecture": "small_cnn", "dataset": "digits", "layers": {"late": "dense1"}}
TRAINED = {**NET, "training": {"epochs": 4}, "seeds": [0, 1], "intervals": [50, 100]}


def config(**sections):
    """The valid config with more entries in its sections."""
    raw = good()
    for section, entries in sections.items():
        holder = raw["kstar"]["studies"] if section == "studies" else raw[section]
        holder |= entries
    return raw


def union(*parts, **keys):
    return {"source": "union", "of": list(parts), **keys}


def test_a_study_takes_a_models_own_dataset_unless_it_names_others():
    more = {"noisy": {"source": "digits"}, "third": {"source": "digits"}}
    models = {"a": {**TRAINED, "examine": ["noisy", "third"]}}
    studies = {
        "own": {"model": "a"},
        "some": {"model": "a", "dataset": ["third", "digits"]},
        "every": {"model": "a", "dataset": "all"},
    }
    loaded = load(config(datasets=more, models=models, studies=studies), check_files=False)
    found = {name: resolve_kstar(name, loaded).models["a"].datasets for name in studies}
    assert found == {"own": ("digits",), "some": ("third", "digits"), "every": ("digits", "noisy", "third")}
    assert load(loaded.model_dump(mode="json"), check_files=False) == loaded


def test_datasets_that_a_model_cannot_be_examined_on_are_refused():
    models = {"a": {**TRAINED, "examine": ["digits"]}, "b": {**TRAINED, "examine": ["emb"]}, "c": TRAINED}
    studies = {
        "other": {"model": "c", "dataset": "mine"},
        "imported": {"features": "emb", "dataset": "all"},
    }
    found = problems(config(models=models, studies=studies))
    assert "is the model's own dataset" in found["models.a.examine"]
    assert "holds features, not images" in found["models.b.examine"]
    other = found["kstar.studies.other.dataset"]
    assert "the model c is not examined on it, but on: digits" in other
    assert "add it to models.c.examine" in other
    assert "imported features have no dataset to choose" in found["kstar.studies.imported.dataset"]


def test_a_union_in_itself_is_refused_with_the_chain():
    sets = {"u": union("digits", "v"), "v": union("w", "digits"), "w": union("digits", "u"), "x": union("x", "digits")}
    found = problems(config(datasets=sets))
    assert found.keys() == {"datasets.u.of", "datasets.x.of"}
    assert "contains itself: u -> v -> w -> u" in found["datasets.u.of"]
    assert "contains itself: x -> x" in found["datasets.x.of"]


def test_parts_must_be_datasets_of_images_with_the_same_classes_as_far_as_these_are_known():
    few = {"source": "digits", "classes": ["1", "2"]}
    sets = {
        "few": few,
        "swapped": {**few, "classes": ["2", "1"]},
        "fits": union("few", "swapped", "mine"),
        "wrong": union("digits", "few"),
        "words": union("digits", "emb"),
        "nothing": union("digits", "dogits"),
        "alone": union("digits"),
        "chosen": union("digits", "mine", classes=["0", "x"]),
    }
    found = problems(config(datasets=sets))
    assert found.keys() == {
        f"datasets.{name}" for name in ("wrong.of", "words.of", "nothing.of", "alone.of", "chosen.classes")
    }
    assert "few" in found["datasets.wrong.of"]
    assert "has the classes 1, 2, but digits has 0, 1, 2" in found["datasets.wrong.of"]
    assert "holds features, not images" in found["datasets.words.of"]
    assert "write digits" in found["datasets.nothing.of"]
    assert "at least 2 entries" in found["datasets.alone.of"]
    assert "is not a class of this source" in found["datasets.chosen.classes"]


@pytest.mark.parametrize(
    ("key", "changes", "words"),
    [
        ("weights.model", {"weights": {"model": "b"}}, ["is not a model; there are: "]),
        ("weights.model", {"weights": {"model": "ready"}}, ["is not trained here", "write the weights of ready"]),
        ("weights.seed", {"weights": {"model": "a", "seed": 5}}, ["is not a seed of the model a", "0, 1"]),
        ("weights.interval", {"weights": {"model": "a", "interval": 25}}, ["is not a interval of the model a"]),
        ("weights.sead", {"weights": {"model": "a", "sead": 1}}, ["is not a known key", "write seed"]),
        ("weights.model", {"weights": {"seed": 1}}, ["is required"]),
        ("weights", {"weights": 3}, ["must be text"]),
        ("options", {"weights": {"model": "a"}, "options": {"width": 8}}, ["must be that of a", "{}"]),
        ("normalize", {"weights": {"model": "a"}, "normalize": {"mean": [0.5], "std": [1.0]}}, ["must be that of a"]),
    ],
)
def test_weights_of_another_model_must_be_made_by_its_training_for_the_same_network(key, changes, words):
    models = {"a": TRAINED, "taker": {**NET, **changes}}
    text = problems(config(models=models))[f"models.taker.{key}"]
    assert all(word in text for word in words), text


def test_weights_in_a_circle_are_refused_with_the_chain():
    models = {name: {**TRAINED, "weights": {"model": other}} for name, other in ("ab", "bc", "ca", "dd")}
    found = problems(config(models=models))
    assert "is trained from its own weights: a -> b -> c -> a" in found["models.a.weights.model"]
    assert "is trained from its own weights: d -> d" in found["models.d.weights.model"]
    assert len(found) == 2


def test_a_model_takes_the_weights_of_another_one():
    models = {"a": TRAINED, "taker": {**NET, "weights": {"model": "a", "interval": 50}}}
    loaded = load(config(models=models), check_files=False)
    assert loaded.models["taker"].weights.model_dump() == {"model": "a", "seed": 0, "interval": 50}
    assert loaded.models["taker"].files() == {}
    assert load(loaded.model_dump(mode="json"), check_files=False) == loaded
