"""One job of the plan: what Snakemake's rules say of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_lib.code.signature import signature
from workflow_lib.plan.plan import Plan
from workflow_lib.runner.job import Job


@dataclass(frozen=True)
class PlannedJob:
    """One job of the plan.

    Attributes:
        verb: name of its rule and step.
        subject: dataset, model or study that the job is about, as the config names it.
        place: what tells it from other jobs of its verb, as in `results/logs/{verb}/{place}.log`.
        arguments: what the plan's method of the same name takes.
        inputs: paths by argument of the step; hints, such as an earlier checkpoint, among them.
        outputs: paths by argument of the step.
    """

    verb: str
    subject: str
    place: str
    arguments: tuple[Any, ...]
    inputs: Mapping[str, list[str]]
    outputs: Mapping[str, list[str]]

    @property
    def name(self) -> str:
        """Name of the job: its log and its benchmark are called so."""
        return f"{self.verb}/{self.place}"

    @property
    def needs(self) -> list[str]:
        """All paths that must be there before the job starts."""
        return [path for paths in self.inputs.values() for path in paths]

    @property
    def makes(self) -> list[str]:
        """All paths that the job writes."""
        return [path for paths in self.outputs.values() for path in paths]

    @property
    def kind(self) -> str:
        """Folder below results/ that its outputs lie in."""
        return self.makes[0].split("/")[1]

    def run(self, plan: Plan, device: str) -> Job:
        """The job as the runner gets it: its spec as the plan has it, on the device class given."""
        paths = {name: [Path(path) for path in paths] for name, paths in {**self.inputs, **self.outputs}.items()}
        spec = str(getattr(plan, self.verb)(*self.arguments))
        step = signature(self.verb, plan.code_memory)
        return Job(self.verb, step, paths, spec, plan.code(self.verb), device, threads=1, log=None)
