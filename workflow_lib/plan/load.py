"""Load the config and make the plan of a run."""

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_lib.cache.digests import DigestMemory, cache_folder
from workflow_lib.config.load import load
from workflow_lib.config.paths import folder_problems
from workflow_lib.config.yaml_file import read_mapping, read_value
from workflow_lib.errors import Problem, UserError
from workflow_lib.plan.commands import length_problems
from workflow_lib.plan.layers import layer_problems
from workflow_lib.plan.plan import SEEDS_PER_JOB, Plan

PER_JOB = "LATENT_ATLAS_SEEDS_PER_JOB"
"""Environment variable with the number of trainings of a confusion study per job."""


def read_config(files: Sequence[str | Path], changes: Sequence[str] = ()) -> dict[str, Any]:
    """Read config files and the values of `--config`.

    Snakemake's own reader explains broken files badly, drops repeated keys, and turns every number inside a mapping
    given by `--config` into text.

    Args:
        files: config files; later ones override earlier ones, and mappings are merged key by key.
        changes: entries KEY=VALUE of `--config`, which override the files.

    Raises:
        UserError: everything that cannot be read.
    """
    content: dict[str, Any] = {}
    found: list[Problem] = []
    for file in files:
        with _noting(found):
            content = _merged(content, read_mapping(_shortest(Path(file))))
    for entry in changes:
        key, _, value = entry.partition("=")
        with _noting(found):
            content = _merged(content, {key: read_value(value, f"--config {key}")})
    if found:
        raise UserError(*found)
    return content


def load_plan(config: Mapping[str, Any], files: Sequence[str | Path]) -> Plan:
    """Validate a config and make the plan.

    Args:
        config: from `read_config`.
        files: its files, for error messages.

    Raises:
        UserError: all problems in the config.
    """
    origin = ", ".join(Path(file).name for file in files) or "--config"
    memory = DigestMemory(cache_folder() / "digests")
    plan = Plan(load(config, origin), memory, _seeds_per_job())
    if problems := [*folder_problems("cache", cache_folder()), *layer_problems(plan), *length_problems(plan)]:
        raise UserError(*problems)
    return plan


def options_of(files: Sequence[str | Path], changes: Sequence[str] = ()) -> list[str]:
    """The options of `latent-atlas` that find the config of these files again, and results that a change places."""
    here = [str(_shortest(Path(file))) for file in files]
    named = [] if here == ["config.yaml"] else [word for file in here for word in ("--configfile", file)]
    elsewhere = [entry.partition("=")[2] for entry in changes if entry.startswith("results=")]
    return [*named, *(word for folder in elsewhere for word in ("--results", folder))]


def _seeds_per_job() -> int:
    """Number of trainings per job, from the environment."""
    wanted = os.environ.get(PER_JOB, str(SEEDS_PER_JOB))
    if not (wanted.isascii() and wanted.isdigit() and int(wanted) > 0):
        allowed = "must be a whole number of 1 or more: the trainings of a confusion study in one job"
        raise UserError(Problem(f"${PER_JOB}", wanted, allowed, "write for example 10, or unset it"))
    return int(wanted)


@contextlib.contextmanager
def _noting(found: list[Problem]) -> Iterator[None]:
    """Catch a UserError and add its problems to `found`."""
    try:
        yield
    except UserError as error:
        found.extend(error.problems)


def _merged(below: Any, above: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two mappings as Snakemake merges configs: nested mappings key by key, other values from `above`."""
    merged = dict(below) if isinstance(below, Mapping) else {}
    for key, value in above.items():
        merged[key] = _merged(merged.get(key), value) if isinstance(value, Mapping) else value
    return merged


def _shortest(file: Path) -> Path:
    """The path as a user would write it: relative if it is inside the working directory."""
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file
