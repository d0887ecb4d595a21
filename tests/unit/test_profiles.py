"""Profiles of clusters: what does not depend on the engine is the same in all of them."""

from pathlib import Path

import pytest
import yaml

PROFILES = Path(__file__).resolve().parents[2] / "profiles"
OWN = ("executor", "default-resources", "cluster-generic-", "slurm-")
"""Beginnings of the keys that belong to an engine or a site."""


def shared(engine):
    content = yaml.safe_load((PROFILES / engine / "config.yaml").read_text())
    return {key: value for key, value in content.items() if not key.startswith(OWN)}


@pytest.mark.parametrize("engine", ["lsf", "pbs"])
def test_groups_times_and_retries_are_those_of_slurm(engine):
    expected = shared("slurm")
    assert {"group-components", "set-resources", "retries", "keep-incomplete"} <= set(expected)
    assert shared(engine) == expected
