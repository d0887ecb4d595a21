"""Base class for studies of all families: folder, outputs, and stages that are Snakemake targets."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from workflow_lib.config.config import Config
from workflow_lib.intervals import INTERVALS_OF
from workflow_lib.plan.canonical import canonical
from workflow_lib.plan.outputs import Files, Output


@dataclass(frozen=True)
class StudyPlan(ABC):
    """A study of the config: the files it needs and the outputs it makes.

    Attributes:
        name: of the study.
        config: the whole config.
    """

    name: str
    config: Config

    family: ClassVar[str]
    """Section of the config with such studies, and their folder below `studies`."""
    all_outputs: ClassVar[Sequence[Output]]
    """All outputs that a study of this family can have."""

    @property
    def settings(self) -> Any:
        """The study as written in the config."""
        return getattr(self.config, self.family).studies[self.name]

    @property
    @abstractmethod
    def study(self) -> Any:
        """The study with every default and every `all` filled in."""

    def reading(self, model: str) -> dict[str, list[str]]:
        """What the intervals of a model are shares of, as part of its grid; empty for the epochs."""
        of = self.config.models[model].intervals_of
        return {} if of == "epochs" else {INTERVALS_OF: [of]}

    @property
    def results(self) -> str:
        """Folder of all results."""
        return self.config.results

    @property
    def folder(self) -> str:
        """Folder of its tables and figures."""
        return f"{self.results}/studies/{self.family}/{self.name}"

    @property
    def outputs(self) -> list[Output]:
        """Outputs of this study."""
        return [output for output in self.all_outputs if output.wanted(self)]

    @property
    @abstractmethod
    def stages(self) -> Mapping[str, list[Files]]:
        """Intermediate files of the study, by the target that requests them."""

    def inputs(self, output: Output) -> dict[str, Files]:
        """Inputs of an output, by argument of its step."""
        return {
            argument: Files([f"{self.folder}/{source}"]) if isinstance(source, str) else source(self)
            for argument, source in output.inputs.items()
        }

    def files(self, output: Output) -> dict[str, str]:
        """Files of an output, by argument of its step."""
        return {argument: f"{self.folder}/{file}" for argument, file in output.files.items()}

    def spec(self, output: Output) -> str:
        """The settings that shape an output, as one canonical string; the title of a figure says what it shows."""
        settings = output.spec(self)
        if output.is_figure:
            settings["title"] += f": {output.content}"
        return canonical(**settings)

    def picture(self, **settings: Any) -> dict[str, Any]:
        """Settings of a figure: the title and `settings`."""
        return {"title": self.study.title, **settings}
