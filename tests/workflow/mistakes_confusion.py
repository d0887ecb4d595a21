"""Mistakes in studies of confused classes."""

from typing import Any

from mistake import GONE, Mistake, both, setting

STUDY = "confusion/studies/mixed"
GOOD = {"model": "digits_cnn", "seeds": {"count": 2}}


def confused(key: str, value: Any, *said: str, place: str = "") -> Mistake:
    """A study with one wrong value, told at its key, or at a place inside."""
    where = f"{STUDY}/{key}".replace("/", ".") + place
    study = {name: kept for name, kept in (GOOD | {key: value}).items() if kept is not GONE}
    return Mistake(f"confusion: {key} = {value!r}"[:70], (where, *said), setting(STUDY, study))


CONFUSION = [
    confused("model", GONE, "is required", "add the key model"),
    confused("model", "digits", "is not a model; there are: digits_cnn", "write digits_cnn"),
    confused("models", "digits_cnn", "not a known key", "write model instead"),
    confused("seeds", [], "at least one entry"),
    confused("seeds", {"count": 0}, "a count of 1 to 10000"),
    confused("seeds", [3, 3], "twice; here: 3"),
    confused("pairs", [], "must be all or a list of pairs"),
    confused("pairs", "some", "must be all or a list of pairs", "write all"),
    confused("pairs", [["0", "0"]], "twice; here: 0", place="[0]"),
    confused("pairs", [["0", "1"], ["1", "0"]], "is there already"),
    confused("pairs", [["0", "4"]], '"4"', "is not a class of digits; there are: 0, 1, 2, 3"),
    confused("pairs", [["0", "1", "2"]], "at most 2 entries", place="[0]"),
    confused("share", 1.1, "must be at most 1"),
    confused("share", "half", "must be a number"),
    confused("groups", {"low": ["0", "1"]}, "needs two groups"),
    confused("groups", {"low": ["0"], "high": ["0"]}, "one group only", place=".high"),
    confused("groups", {"low": ["0"], "high": ["7"]}, "is not a class of digits", place=".high"),
    confused("permutations", 0, "must be at least 1"),
    confused("example_pair", ["0", "9"], "is not a class of digits"),
    confused("title", 7, "must be text"),
    Mistake(
        "confusion: two classes only",
        ("confusion.studies.mixed", "three classes or more"),
        both(setting("datasets/digits/classes", ["0", "1"]), setting(STUDY, GOOD)),
    ),
    Mistake(
        "confusion: a model that is not trained",
        ("confusion.studies.mixed.model: digits_cnn", "is not trained here"),
        both(
            setting("models/digits_cnn", {"architecture": "small_cnn", "dataset": "digits", "layers": {"l": "logits"}}),
            setting("models/digits_cnn/weights", "config.yaml"),
            setting("kstar", {}),
            setting(STUDY, GOOD),
        ),
    ),
]
