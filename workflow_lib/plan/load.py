"""The plan of a run of Snakemake."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_lib.config.load import load
from workflow_lib.config.yaml_file import read_mapping
from workflow_lib.plan.plan import Plan
from workflow_lib.runner.digests import DigestMemory, cache_folder


def load_plan(config: Mapping[str, Any], files: Sequence[str | Path]) -> Plan:
    """Validate the config that Snakemake has read, and plan with it.

    Args:
        config: merged content of the config files and of `--config`.
        files: where it came from, to be named in errors.

    Raises:
        UserError: all that is wrong with the config.
    """
    for file in files:
        read_mapping(Path(file))  # Snakemake's own reading loses keys that stand twice
    origin = ", ".join(Path(file).name for file in files) or "--config"
    return Plan(load(config, origin), DigestMemory(cache_folder(Path("results")) / "digests"))
