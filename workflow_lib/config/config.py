"""The whole config: its sections, in the order in which data flows."""

import re
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field

from workflow_lib.config.confusion import Confusion
from workflow_lib.config.datasets import Dataset
from workflow_lib.config.fields import Name, Section, wrong
from workflow_lib.config.kstar import Kstar
from workflow_lib.config.models import Model
from workflow_lib.config.prototypes import Prototypes
from workflow_lib.config.transforms import AnyTransform

RESULTS: Final = "results"
"""Folder of results unless the config says otherwise; the cache is always below it."""
FOLDERS: Final = (
    *("datasets", "checkpoints", "features", "kstar", "maps", "neighbours"),
    *("prototypes", "dissimilarity", "boundaries", "confusion", "studies"),
)
"""Folders of artifacts below the folder of results."""
COMPANIONS: Final = ("provenance", "logs", "benchmarks")
"""Folders of what accompanies artifacts: their records, and the logs and times of their jobs."""


def _folder(value: Any) -> Any:
    """A path without signs that Snakemake or a shell would read as something else."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(r"/?[\w.-]+(/[\w.-]+)*/?", value, re.ASCII) or ".." in Path(value).parts or value == ".":
        allowed = 'must be a path of letters, digits, _, - and ., without a part ".."'
        raise wrong(allowed, "write for example results/first")
    parts = Path(value).parts
    if parts[:1] == (RESULTS,) and parts[1:] and parts[1] in (*FOLDERS, *COMPANIONS):
        raise wrong(f"{RESULTS}/{parts[1]} holds results of other configs", "write for example results/first")
    return Path(value).as_posix()


class Config(Section):
    """What the workflow computes. Threads, memory and devices are not part of it: they belong to profiles."""

    results: Annotated[str, BeforeValidator(_folder)] = RESULTS
    """Folder of this config's results. Give each config a folder of its own, and none overwrites another's studies; the
    cache is shared all the same."""
    datasets: dict[Name, Dataset]
    """Sources of images, or of features computed elsewhere, by name."""
    models: dict[Name, Model] = Field(default={})
    """Networks to train or to load, by name."""
    transforms: dict[Name, AnyTransform] = Field(default={})
    """Ways to change the images before a network sees them, by name; original is always there."""
    kstar: Kstar = Kstar()
    """k* distributions and their studies."""
    prototypes: Prototypes = Prototypes()
    """Prototypes and their studies."""
    confusion: Confusion = Confusion()
    """Confused classes and their studies."""
