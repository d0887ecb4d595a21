"""What the studies of all families have in common: a folder, outputs, and stages that can be asked for by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from workflow_lib.config.config import Config
from workflow_lib.plan.canonical import canonical
from workflow_lib.plan.outputs import Files, Output


@dataclass(frozen=True)
class StudyPlan:
    """A study of the config: the files it needs and the outputs it makes.

    Attributes:
        name: of the study.
        config: that names it.
    """

    name: str
    config: Config

    family: ClassVar[str]
    """Section of the config that holds such studies, and folder below `studies`."""
    all_outputs: ClassVar[Sequence[Output]]
    """Every output that a study of this family can have."""

    @property
    def settings(self) -> Any:
        """The study as the config has it."""
        return getattr(self.config, self.family).studies[self.name]

    @property
    def study(self) -> Any:
        """What the config asks for, with every default and every `all` filled in."""
        raise NotImplementedError

    @property
    def results(self) -> str:
        """Folder of all results."""
        return self.config.results

    @property
    def folder(self) -> str:
        """Where its tables and figures lie."""
        return f"{self.results}/studies/{self.family}/{self.name}"

    @property
    def outputs(self) -> list[Output]:
        """The outputs that it has."""
        return [output for output in self.all_outputs if output.wanted(self)]

    @property
    def stages(self) -> Mapping[str, list[Files]]:
        """The files of its own that exist before its tables and figures, by the target that asks for them."""
        raise NotImplementedError

    def inputs(self, output: Output) -> dict[str, Files]:
        """What an output reads, by argument of its step."""
        return {
            argument: Files([f"{self.folder}/{source}"]) if isinstance(source, str) else source(self)
            for argument, source in output.inputs.items()
        }

    def files(self, output: Output) -> dict[str, str]:
        """What an output writes, by argument of its step."""
        return {argument: f"{self.folder}/{file}" for argument, file in output.files.items()}

    def arguments(self, output: Output) -> list[str]:
        """The words that call the step of an output: its name and its paths, in short form."""
        words = [output.verb.replace("_", "-")]
        for argument, files in self.inputs(output).items():
            words += [_flag(argument), *files.patterns]
        for argument, path in self.files(output).items():
            words += [_flag(argument), path]
        return words

    def spec(self, output: Output) -> str:
        """The settings that shape an output, as one canonical string."""
        return canonical(**output.spec(self))

    def picture(self, **settings: Any) -> dict[str, Any]:
        """Settings of a figure: its title, and others."""
        return {"title": self.study.title, **settings}


def _flag(argument: str) -> str:
    return f"--{argument.replace('_', '-')}"
