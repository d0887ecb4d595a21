"""A config that uses every section, and changes to it."""

import random
from typing import Any

import pytest

from workflow_lib.config import load
from workflow_lib.errors import UserError

Raw = dict[str, Any]

CNN = "models/cnn"
TRAINING = "models/cnn/training"


def good() -> Raw:
    """A valid config that uses every section."""
    return {
        "datasets": {
            "digits": {"source": "digits"},
            "emb": {"source": "features", "path": "emb.npz"},
            "mine": {"source": "function", "function": "mine:load", "options": {"depth": [1, {"a": None}]}},
        },
        "models": {
            "cnn": {
                "architecture": "small_cnn",
                "dataset": "digits",
                "normalize": {"mean": [0.5], "std": [0.2]},
                "training": {"epochs": 20, "optimizer": "sgd", "momentum": 0.9, "augmentation": {"flip": True}},
                "seeds": {"start": 3, "count": 2},
                "intervals": [100, 25],
                "layers": {"early": "conv1", "late": {"module": "dense1", "pool": "avg"}},
            },
            "ready": {"architecture": "mine.nets:make", "dataset": "mine", "weights": "w.pt", "layers": {"late": "fc"}},
        },
        "transforms": {"turned": {"kind": "rotation", "degrees": 30}},
        "kstar": {
            "studies": {
                "training": {"model": "cnn", "interval": "all", "transform": ["original", "turned"]},
                "both": {"model": "all", "layer": "late", "metric": "all", "maps": ["pca"]},
                "texts": {"features": "emb", "metric": ["cosine", "euclidean"]},
            }
        },
    }


def change(path: str, value: Any) -> Raw:
    """The valid config with the value at `path` set."""
    raw = good()
    *parents, last = path.split("/")
    holder = raw
    for key in parents:
        holder = holder.setdefault(key, {})
    holder[last] = value
    return raw


def problems(raw: Any) -> dict[str, str]:
    """Text of each problem by where it is."""
    with pytest.raises(UserError) as caught:
        load(raw, check_files=False)
    found = {problem.where: str(problem) for problem in caught.value.problems}
    assert len(found) == len(caught.value.problems), "two problems at one place"
    return found


def shuffled(value: Any, order: random.Random) -> Any:
    """The same mappings with their keys in another order."""
    if not isinstance(value, dict):
        return value
    keys = sorted(value)
    order.shuffle(keys)
    return {key: shuffled(value[key], order) for key in keys}
