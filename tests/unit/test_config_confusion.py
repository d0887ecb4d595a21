"""Studies of confused classes in the config: their pairs written out, every mistake told at its key."""

import itertools
from copy import deepcopy

import pytest

from workflow_lib.config.load import load
from workflow_lib.config.studies import resolve_confusion
from workflow_lib.errors import UserError

DIGITS = "0123456789"
RAW = {
    "datasets": {"digits": {"source": "digits"}, "own": {"source": "arrays", "train": "a.npz", "test": "b.npz"}},
    "models": {
        "net": {
            "architecture": "small_cnn",
            "dataset": "digits",
            "training": {"epochs": 2},
            "layers": {"logits": "logits"},
        },
        "mine": {
            "architecture": "small_cnn",
            "dataset": "own",
            "training": {"epochs": 2},
            "layers": {"logits": "logits"},
        },
        "ready": {
            "architecture": "small_cnn",
            "dataset": "digits",
            "weights": "w.pt",
            "layers": {"logits": "logits"},
        },
    },
}


def loaded(study, change=lambda raw: None):
    raw = deepcopy(RAW) | {"confusion": {"studies": {"mixed": study}}}
    change(raw)
    return load(raw, check_files=False)


def pairs(study, change=lambda raw: None):
    return resolve_confusion("mixed", loaded(study, change)).pairs


def problems(study, change=lambda raw: None):
    with pytest.raises(UserError) as caught:
        loaded(study, change)
    return {problem.where: str(problem) for problem in caught.value.problems}


def test_all_pairs_are_the_default_and_stand_in_the_order_of_the_classes():
    found = pairs({"model": "net"})
    assert len(found) == 45
    assert found[0] == ("0", "1")
    assert found == tuple(sorted(found))
    assert found == pairs({"model": "net", "pairs": "all"})


def test_the_order_in_which_pairs_and_their_classes_are_written_does_not_count():
    assert pairs({"model": "net", "pairs": [["7", "1"], ["0", "2"]]}) == (("0", "2"), ("1", "7"))


def test_pairs_follow_the_order_that_the_dataset_gives_its_classes():
    def reversed_classes(raw):
        raw["datasets"]["digits"]["classes"] = ["9", "5", "1"]

    assert pairs({"model": "net"}, reversed_classes) == (("9", "5"), ("9", "1"), ("5", "1"))
    assert pairs({"model": "net", "pairs": [["1", "9"]]}, reversed_classes) == (("9", "1"),)


def test_in_the_mode_one_way_their_order_counts():
    assert len(pairs({"model": "net", "mode": "one_way"})) == 90
    listed = {"model": "net", "mode": "one_way", "pairs": [["7", "1"], ["0", "2"], ["1", "7"]]}
    assert pairs(listed) == (("0", "2"), ("1", "7"), ("7", "1"))


@pytest.mark.parametrize(("mode", "most"), [("swap", 45), ("one_way", 90)])
def test_a_sample_has_so_many_pairs_in_the_order_of_the_classes_and_contains_the_smaller_one(mode, most):
    def sample(size, seed=0):
        return pairs({"model": "net", "mode": mode, "pairs": {"sample": size, "seed": seed}})

    samples = [sample(size) for size in range(1, most + 1)]
    assert [len(one) for one in samples] == list(range(1, most + 1))
    assert all(one == tuple(sorted(set(one))) for one in samples)
    assert all(set(one) < set(other) for one, other in itertools.pairwise(samples))
    assert samples[-1] == pairs({"model": "net", "mode": mode})
    assert sample(5, seed=1) != sample(5)


def test_each_pair_is_in_as_many_samples_as_any_other():
    drawn = [pair for seed in range(300) for pair in pairs({"model": "net", "pairs": {"sample": 9, "seed": seed}})]
    # each with probability 9 / 45 in 300 samples: 60, with a standard deviation of 6.9
    counts = [drawn.count(pair) for pair in pairs({"model": "net"})]
    assert max(abs(count - 60) for count in counts) < 4 * 6.9


def test_the_example_may_be_any_pair_of_a_sample():
    study = {"model": "net", "pairs": {"sample": 2}}
    example = list(pairs(study)[0])
    assert loaded(study | {"example_pair": example[::-1]})
    other = next(p for p in pairs({"model": "net"}) if p not in pairs(study))
    assert "is not a pair of this study" in problems(study | {"example_pair": list(other)})[f"{WHERE}.example_pair"]


def test_one_pair_needs_no_second_brackets():
    assert pairs({"model": "net", "pairs": ["3", "8"]}) == (("3", "8"),)


def test_pairs_of_classes_that_only_files_tell_are_taken_as_written():
    assert pairs({"model": "mine", "pairs": [["cat", "ant"]]}) == (("cat", "ant"),)


def test_fifty_seeds_are_the_default_and_a_written_out_study_is_the_same():
    study = loaded({"model": "net", "seeds": {"count": 3}, "groups": {"a": ["1"], "b": ["2"]}})
    assert study.confusion.studies["mixed"].seeds == (0, 1, 2)
    assert loaded({"model": "net"}).confusion.studies["mixed"].seeds == tuple(range(50))
    sampled = loaded({"model": "net", "pairs": {"sample": 3}, "mode": "drop"})
    for one in (study, sampled):
        assert load(one.model_dump(mode="json"), check_files=False) == one


WHERE = "confusion.studies.mixed"


@pytest.mark.parametrize(
    ("study", "where", "words"),
    [
        ({}, "model", ["its seeds and intervals (and what these are of) are ignored", "add the key model"]),
        ({"model": "nett"}, "model", ["is not a model", "write net"]),
        ({"model": "ready"}, "model", ["is not trained here", "name a model with training"]),
        ({"model": "net", "modell": 1}, "modell", ["is not a known key", "write model"]),
        ({"model": "net", "pairs": "alle"}, "pairs", ["must be all, a list of pairs", "write all"]),
        ({"model": "net", "pairs": []}, "pairs", ["must be all, a list of pairs"]),
        ({"model": "net", "pairs": [["1", "2", "3"]]}, "pairs[0]", ["at most 2 entries"]),
        ({"model": "net", "pairs": [["1"]]}, "pairs[0]", ["at least 2 entries"]),
        ({"model": "net", "pairs": [["1", "1"]]}, "pairs[0]", ["must not name anything twice"]),
        ({"model": "net", "pairs": [[1, 2]]}, "pairs[0][0]", ["must be text"]),
        ({"model": "net", "pairs": [["1", "2"], ["2", "1"]]}, "pairs", ["is there already", "order"]),
        ({"model": "net", "pairs": [["1", "12"]]}, "pairs", ["is not a class of digits", "0, 1, 2"]),
        ({"model": "mine"}, "pairs", ["the classes of own are known only from its files", "datasets.own.classes"]),
        ({"model": "net", "share": 1.5}, "share", ["at most 1"]),
        ({"model": "net", "share": -0.1}, "share", ["at least 0"]),
        ({"model": "net", "seeds": []}, "seeds", ["at least one entry"]),
        ({"model": "net", "seeds": [1, 1]}, "seeds", ["twice"]),
        ({"model": "net", "seeds": {"count": 0}}, "seeds", ["count of 1 to 10000"]),
        ({"model": "net", "permutations": 0}, "permutations", ["at least 1"]),
        ({"model": "net", "pairs": {"sample": 46}}, "pairs.sample", ["must be 1 to 45", "write 45 or less"]),
        ({"model": "net", "pairs": {"sample": 91}, "mode": "one_way"}, "pairs.sample", ["1 to 90", "one_way"]),
        ({"model": "net", "pairs": {"sample": 0}}, "pairs.sample", ["at least 1"]),
        ({"model": "net", "pairs": {"sample": "3"}}, "pairs.sample", ["whole number", "write 3 without quotes"]),
        ({"model": "net", "pairs": {"sampel": 3}}, "pairs.sampel", ["not a known key", "write sample"]),
        ({"model": "net", "pairs": {"seed": 3}}, "pairs.sample", ["is required", "add the key sample"]),
        ({"model": "mine", "pairs": {"sample": 3}}, "pairs", ["known only from its files"]),
        ({"model": "net", "mode": "both"}, "mode", ["swap, one_way, drop, random"]),
        (
            {"model": "net", "mode": "one_way", "pairs": [["1", "2"]], "example_pair": ["2", "1"]},
            "example_pair",
            ["is not a pair of this study", "[1, 2]"],
        ),
        ({"model": "net", "groups": {"a": ["1", "2"]}}, "groups", ["needs two groups"]),
        ({"model": "net", "groups": {"a": ["1"], "b": ["1"]}}, "groups.b", ["in a and b"]),
        ({"model": "net", "groups": {"a": ["1"], "b": ["x"]}}, "groups.b", ["is not a class of digits"]),
        ({"model": "net", "groups": {"a": ["1"], "b": []}}, "groups.b", ["at least one entry"]),
        ({"model": "net", "example_pair": ["1", "x"]}, "example_pair", ["is not a class of digits"]),
        (
            {"model": "net", "pairs": [["1", "2"]], "example_pair": ["1", "3"]},
            "example_pair",
            ["is not a pair of this study"],
        ),
    ],
)
def test_every_mistake_is_told_at_its_key(study, where, words):
    found = problems(study)
    assert f"{WHERE}.{where}" in found, found
    assert [word for word in words if word not in found[f"{WHERE}.{where}"]] == []


def test_two_classes_leave_nothing_to_look_at():
    def two(raw):
        raw["datasets"]["digits"]["classes"] = ["1", "7"]

    assert "three classes or more" in problems({"model": "net"}, two)[WHERE]


def test_all_mistakes_of_a_study_are_told_at_once():
    found = problems({"model": "net", "pairs": [["1", "x"]], "groups": {"a": ["1"]}, "example_pair": ["0", "1"]})
    assert set(found) == {f"{WHERE}.{key}" for key in ("pairs", "groups", "example_pair")}
