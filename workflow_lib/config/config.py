"""The whole config: its sections, in the order of the data flow."""

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
from workflow_lib.config.relations import Relations
from workflow_lib.config.transforms import AnyTransform

RESULTS: Final = "results"
"""Default folder of results; the cache is always inside it."""
FOLDERS: Final = (
    *("datasets", "networks", "checkpoints", "features", "kstar", "maps", "neighbours"),
    *("prototypes", "dissimilarity", "adversarial", "boundaries", "confusion", "studies"),
)
"""Folders of artifacts inside the results folder."""
COMPANIONS: Final = ("provenance", "logs", "benchmarks")
"""Folders of the records of artifacts, and of the logs and run times of their jobs."""


def _folder(value: Any) -> Any:
    """A path without characters that have a special meaning for Snakemake or a shell."""
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
    """What the workflow computes. Threads, memory and devices are set in profiles instead."""

    results: Annotated[str, BeforeValidator(_folder)] = RESULTS
    """Folder of this config's results. Give each config its own folder, so that none overwrites another's studies; all
    configs still share one cache."""
    datasets: dict[Name, Dataset]
    """Sources of images, or of features computed elsewhere, by name."""
    models: dict[Name, Model] = Field(default={})
    """Networks to train or to load, by name."""
    transforms: dict[Name, AnyTransform] = Field(default={})
    """Changes of the images before a network sees them, by name; original always exists."""
    kstar: Kstar = Kstar()
    """k* distributions and their studies."""
    prototypes: Prototypes = Prototypes()
    """Prototypes and their studies."""
    confusion: Confusion = Confusion()
    """Studies that confuse two classes."""
    relations: Relations = Relations()
    """What the methods say about each pair of classes, and how far they agree."""
