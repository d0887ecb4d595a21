"""Mistakes in the section `prototypes`, and in networks of which no prototypes can be made."""

from typing import Any

from mistake import GONE, Config, Mistake, both, setting

STUDIES = "prototypes/studies"
STUDY: Config = {"model": "digits_cnn", "interval": "all", "initialisations": 1}
"""Studies of prototypes that the miniature may have."""


def wrong(key: str, value: Any, *said: str) -> Mistake:
    """A wrong value in a study that is good otherwise, told at its key."""
    study = {name: kept for name, kept in (STUDY | {key: value}).items() if kept is not GONE}
    name = f"prototypes: {key} = {'gone' if value is GONE else repr(value)}"
    return Mistake(name, (f"{STUDIES}/sure/{key}".replace("/", "."), *said), setting(f"{STUDIES}/sure", study))


def several(name: str, studies: Any, *said: str) -> Mistake:
    """Wrong studies."""
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
    target = f"results/{kind}/sure/wrong/seed-0/interval-100/initialisation-0.zarr.zip"
    text = both(setting("models/wrong", model), setting(f"{STUDIES}/sure", study))
    files = {"my_networks.py": NETWORKS.encode()}
    return Mistake(f"prototypes of {name}", said, text, "miniature", files, (target,), "run")


def target(path: str) -> Mistake:
    """A result that the study does not have."""
    text, said = setting(f"{STUDIES}/sure", STUDY), (f"No rule to produce {path}",)
    return Mistake(f"no target {path}", said, text, arguments=("-n", path), when="target")


PROTOTYPES = [
    # keys and types
    wrong("model", GONE, "is required", "add the key model"),
    wrong("learning_rate", 0.1, "not a known key"),
    wrong("include_self", "yes", "must be true or false"),
    wrong("lr", "1e-2", "YAML reads 1e-2 as text", "write 0.01 or 1.0e-2"),
    wrong("initialisations", [0, 1, 2], "whole number"),
    several("a list of studies", [STUDY], "prototypes.studies", "must be a mapping"),
    several("a name with a space", {"very sure": STUDY}, "prototypes.studies.very sure", "very_sure"),
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
    wrong("layer", "erly", "layer of the model digits_cnn; there are: early, logits", "write early"),
    wrong("classes", ["0", "7"], '"7"', "class of this study; there are: 0, 1, 2, 3"),
    # what does not fit together
    several(
        "a warm start at a single interval",
        {"sure": STUDY | {"interval": 100, "start": "warm"}},
        "prototypes.studies.sure.start: warm",
        "the interval before",
        "write noise",
    ),
    several(
        "two mistakes in two studies",
        {"sure": STUDY | {"steps": -1}, "unsure": STUDY | {"layer": "late"}},
        "2 problems",
        "prototypes.studies.sure.steps: -1",
        "prototypes.studies.unsure.layer",
    ),
    target("results/prototypes/unsure/digits_cnn/seed-0/interval-100/initialisation-0.zarr.zip"),
    # networks
    network("a network without a linear layer", "without_linear", "prototypes", "layer", "no linear layer"),
    network("a network that gives no numbers", "tired", "prototypes", "network: nan", "is not finite"),
    network(
        "a network whose features are all zero",
        "asleep",
        "dissimilarity",
        "features: target 0, origin 0; target 0, origin 1;",
        "(16 in all)",
        "has no direction",
    ),
]
