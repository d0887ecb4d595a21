"""Outputs of studies, tables and figures: each is described once.

Every family of studies has a table of its outputs (`OUTPUTS` in `plan/kstar.py`, `plan/prototypes.py`,
`plan/confusion.py` and `plan/relations.py`). Rules, targets, `why`, `estimate` and `orphans` are all made from these
tables.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from workflow_lib.io.braces import expand

PICTURE = ("svg", "png", "csv")
"""Files of a figure; the CSV holds the numbers behind it."""


@dataclass(frozen=True)
class Files:
    """Paths that a job reads, in the order of the study's points.

    Attributes:
        patterns: the paths as brace patterns, short enough for a command line however many there are.
    """

    patterns: list[str]

    @property
    def paths(self) -> list[str]:
        """The paths written out."""
        return [path for pattern in self.patterns for path in expand(pattern)]


@dataclass(frozen=True)
class Output:
    """A table, figure or store of a study, made by one job.

    Attributes:
        verb: name of its step.
        files: names of its files in the study's folder, by argument of the step.
        inputs: its inputs, by argument of the step: the name of a file in the study's folder, or a function that
            returns other files of the study.
        spec: returns the settings that shape it, and no others.
        content: short description, for the report, the messages of a run and the titles of figures.
        reported: argument whose file the report shows, with the caption `docs/captions/{name of the file}.rst`; "" for
            none.
        wanted: returns whether a study has this output.
        minutes: time limit of its job on a cluster.
        apart: whether Snakemake starts it on its own, and not with the other outputs of its kind.
    """

    verb: str
    files: Mapping[str, str]
    inputs: Mapping[str, "str | Callable[[Any], Files]"]
    spec: Callable[[Any], dict[str, Any]]
    content: str
    reported: str = ""
    wanted: Callable[[Any], bool] = lambda study: True
    minutes: int = 30
    apart: bool = False

    @property
    def is_figure(self) -> bool:
        """Whether it is a figure with its numbers."""
        return tuple(self.files) == PICTURE

    @property
    def kind(self) -> str:
        """Target that asks for it: "figures", "tables" or "arrays"."""
        if self.is_figure:
            return "figures"
        return "arrays" if all(file.endswith(".zarr.zip") for file in self.files.values()) else "tables"

    def rule(self, family: str) -> str:
        """Name of its rule, which makes all outputs of this kind of a study."""
        return self.verb if self.apart else f"{self.kind}_{family}"

    @property
    def name(self) -> str:
        """Name, without suffix, of the file shown in the report, or of the first file if none is shown."""
        return self.files[self.reported or next(iter(self.files))].partition(".")[0]


def table(verb: str, *names: str, **rest: Any) -> Output:
    """Tables made by one job; each file `{name}.csv` is the step's argument `name`."""
    return Output(verb, {name: f"{name}.csv" for name in names}, **rest)


def figure(name: str, **rest: Any) -> Output:
    """A figure with its numbers, made by the step `draw_{name}`."""
    return Output(f"draw_{name}", {suffix: f"{name}.{suffix}" for suffix in PICTURE}, reported="png", **rest)
