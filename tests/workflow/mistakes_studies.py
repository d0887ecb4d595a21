"""Mistakes in studies of prototypes, confusion and relations, and in networks of which no prototypes can be made."""

from functools import partial
from typing import Any

from edits import several
from mistake import GONE, Mistake, setting

STUDIES = "prototypes/studies"
STUDY = {"model": "digits_cnn", "interval": "all", "initialisations": 1}
CONFUSED = "confusion/studies/mixed"
CONFUSION_STUDY = {"model": "digits_cnn", "seeds": {"count": 2}}
"""Studies that the miniature may have."""
OTHER = {"architecture": "small_cnn", "training": {"epochs": 1}, "layers": {"logits": "logits"}}
"""Settings of another model, without its dataset."""
UNSURE = "results/prototypes/unsure/digits_cnn/seed-0/interval-100/initialisation-0.zarr.zip"


def misset(path: str, study: dict[str, Any], key: str, value: Any, *said: str, place: str = "") -> Mistake:
    """A wrong value in a study that is good otherwise, told at its key or at a place inside."""
    changed = {name: kept for name, kept in (study | {key: value}).items() if kept is not GONE}
    where = f"{path}/{key}".replace("/", ".") + place
    return Mistake(f"{path.partition('/')[0]}: {key} = {value!r}"[:70], (where, *said), setting(path, changed))


wrong = partial(misset, f"{STUDIES}/sure", STUDY)
confused = partial(misset, CONFUSED, CONFUSION_STUDY)


def studies(name: str, studies: Any, *said: str) -> Mistake:
    """Wrong studies of prototypes."""
    return Mistake(f"prototypes: {name}", said, setting(STUDIES, studies))


NETWORKS = """
from torch import nn
class Asleep(nn.Linear):
    def reset_parameters(self):
        super().reset_parameters()
        nn.init.constant_(self.bias, -1e6)
class Tired(nn.Linear):
    def forward(self, images):
        return super().forward(images) * (1 if self.training else float("nan"))
def flat(first, hidden, in_channels, image_size, n_classes):
    pixels = in_channels * image_size[0] * image_size[1]
    return nn.Sequential(nn.Flatten(), first(pixels, hidden), nn.ReLU(), nn.Linear(hidden, n_classes))
def asleep(**shape):
    return flat(Asleep, 8, **shape)
def tired(**shape):
    return flat(Tired, 8, **shape)
def without_linear(in_channels, image_size, n_classes):
    return nn.Sequential(nn.Conv2d(in_channels, n_classes, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten())
"""


def network(name: str, function: str, kind: str, *said: str) -> Mistake:
    """A network of the user's own of which a store of this kind cannot be made."""
    model = {
        "architecture": f"my_networks:{function}",
        "dataset": "digits",
        "training": {"epochs": 1, "lr": 1e-9},
        "layers": {"last": "2"},
    }
    study = {"model": "wrong", "initialisations": 1, "steps": 2}
    file = "initialisation-0" if kind == "prototypes" else "initialisation-0/head_input"
    target = f"results/{kind}/sure/wrong/seed-0/interval-100/{file}.zarr.zip"
    text = several(setting("models/wrong", model), setting(f"{STUDIES}/sure", study))
    files = {"my_networks.py": NETWORKS.encode()}
    return Mistake(f"prototypes of {name}", said, text, "miniature", files, (target,), "run")


PROTOTYPES = [
    # keys and types
    wrong("model", GONE, "is required", "add the key model"),
    wrong("learning_rate", 0.1, "not a known key"),
    wrong("include_self", "yes", "must be true or false"),
    wrong("lr", "1e-2", "YAML reads 1e-2 as text", "write 0.01 or 1.0e-2"),
    wrong("initialisations", [0, 1, 2], "whole number"),
    studies("a list of studies", [STUDY], "prototypes.studies", "must be a mapping"),
    studies("a name with a space", {"very sure": STUDY}, "prototypes.studies.very sure", "very_sure"),
    # ranges
    wrong("lr", 0, "must be greater than 0"),
    wrong("lr", float("inf"), "finite"),
    wrong("loss", 0, "must be greater than 0"),
    wrong("steps", 0, "must be at least 1"),
    wrong("initialisations", 0, "must be at least 1"),
    wrong("initialisations", 1001, "must be at most 1000"),
    wrong("classes", [], "at least one entry"),
    wrong("classes", ["1", "1"], "twice; here: 1"),
    # names
    wrong("optimizer", "adan", "sgd", "adam", "write adam"),
    wrong("start", "warmth", "noise", "write warm"),
    wrong("unconverged", "drop", "leave_out"),
    wrong("model", "digits", "is not a model; there are: digits_cnn", "write digits_cnn"),
    wrong("seed", 2, "seed of the model digits_cnn; there are: 0, 1"),
    wrong("interval", [25, 75], "interval of the model digits_cnn; there are: 25, 50, 100"),
    wrong("layer", "erly", "layer of the model digits_cnn; there are: head_input, early, logits", "write early"),
    wrong("classes", ["0", "7"], '"7"', "class of this study; there are: 0, 1, 2, 3"),
    # what does not fit together
    studies(
        "a warm start at a single interval",
        {"sure": STUDY | {"interval": 100, "start": "warm"}},
        "prototypes.studies.sure.start: warm",
        "the interval before",
        "write noise",
    ),
    studies(
        "two mistakes in two studies",
        {"sure": STUDY | {"steps": -1}, "unsure": STUDY | {"layer": "late"}},
        "2 problems",
        "prototypes.studies.sure.steps: -1",
        "prototypes.studies.unsure.layer",
    ),
    Mistake(
        f"no target {UNSURE}",
        (UNSURE, "the config names no such result"),
        setting(f"{STUDIES}/sure", STUDY),
        arguments=("-n", UNSURE),
    ),
    # networks
    network("a network without a linear layer", "without_linear", "prototypes", "layer", "cannot be told"),
    network("a network that gives no numbers", "tired", "prototypes", "models.wrong.architecture", "NaN or infinite"),
    network(
        *("a network whose features are all zero", "asleep", "dissimilarity"),
        *("models.wrong.architecture", "gives the same values of the logits, layer last"),
    ),
]

CONFUSION = [
    confused("model", GONE, "is required", "add the key model"),
    confused("model", "digits", "is not a model; there are: digits_cnn", "write digits_cnn"),
    confused("models", "digits_cnn", "not a known key", "write model instead"),
    confused("seeds", [], "at least one entry"),
    confused("seeds", {"count": 0}, "a count of 1 to 10000"),
    confused("seeds", [3, 3], "twice; here: 3"),
    confused("pairs", [], "must be all, a list of pairs"),
    confused("pairs", "some", "must be all, a list of pairs", "write all"),
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
        several(setting("datasets/digits/classes", ["0", "1"]), setting(CONFUSED, CONFUSION_STUDY)),
    ),
    Mistake(
        "confusion: a model that is not trained",
        ("confusion.studies.mixed.model: digits_cnn", "is not trained here"),
        several(
            setting("models/digits_cnn", {"architecture": "small_cnn", "dataset": "digits", "layers": {"l": "logits"}}),
            setting("models/digits_cnn/weights", "config.yaml"),
            setting("kstar", {}),
            setting(CONFUSED, CONFUSION_STUDY),
        ),
    ),
]


def related(key: str, value: Any, *said: str) -> Mistake:
    """A wrong value in a study of relations that is good otherwise."""
    study = {"kstar": "training", "confusion": "mixed"} | {key: value}
    edit = several(setting(CONFUSED, CONFUSION_STUDY), setting("relations/studies/alike", study))
    return Mistake(f"relations: {key} = {value!r}", (f"relations.studies.alike.{key}", *said), edit)


RELATIONS = [
    related("kstar", "trainin", "is not a study of the section kstar; there are: training, metrics", "write training"),
    related("prototypes", "sure", "is not a study of the section prototypes; there are: none"),
    related("model", "digits", "is not a model of kstar.studies.training", "write digits_cnn"),
    related("interval", 30, "is not a interval of kstar.studies.training; there are: 25, 50, 100"),
    related("layer", "late", "is not a layer of kstar.studies.training; there are: early, logits"),
    related("metric", "euclid", "must be one of euclidean", "write euclidean"),
    related("permutations", 10**8, "for 4 classes at most 6250000", "write 6250000 or less"),
    Mistake(
        "relations: one part only",
        ("relations.studies.alike", "needs two or more of kstar, prototypes and confusion", "name another one"),
        setting("relations/studies/alike", {"kstar": "training"}),
    ),
    Mistake(
        "relations: other classes",
        ("relations.studies.alike", "the same classes; only one has 3", "of the same data set"),
        several(
            setting("datasets/three", {"source": "digits", "classes": ["0", "1", "2"]}),
            setting("models/other", {**OTHER, "dataset": "three"}),
            setting(CONFUSED, CONFUSION_STUDY | {"model": "other"}),
            setting("relations/studies/alike", {"kstar": "training", "confusion": "mixed"}),
        ),
    ),
]
