"""Estimate the cost of a run before it starts: `latent-atlas estimate`.

No job runs and no result is changed.
"""

import shlex
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workflow_lib.cache.inventory import aligned, size_text
from workflow_lib.plan.costs import MEASURABLE, TABLE, TABLE_SOURCE, Cost, cost_by_records, cost_by_table, former_jobs
from workflow_lib.plan.expected import expected
from workflow_lib.plan.jobs import PlannedJob
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.why import explain

HEADINGS = ("stage", "jobs", "to run", "CPU hours", "GPU hours", "disk", "estimated from")
LIGHT_STAGE = "tables and figures"

Measure = Callable[[PlannedJob], Cost | None]


@dataclass
class Stage:
    """Number of jobs in a stage, and the cost of those that would run, in seconds and bytes."""

    jobs: int = 0
    running: int = 0
    cpu: float = 0.0
    gpu: float = 0.0
    size: float = 0.0
    sources: dict[str, None] = field(default_factory=dict)

    def add(self, cost: Cost) -> None:
        """Add a job that would run."""
        self.running += 1
        self.cpu += cost.cpu
        self.gpu += cost.gpu
        self.size += cost.size
        self.sources[cost.source] = None


def estimate(plan: Plan, targets: Iterable[str] | None = None, measure: Measure = lambda _: None) -> dict[str, Stage]:
    """Cost of each stage, in the order of the plan.

    Args:
        plan: the plan of the run.
        targets: requested artifacts; None for those of plain `snakemake`.
        measure: measures the cost of a job on this machine; returns None if it cannot.
    """
    answer = explain(plan, targets)
    running = {*answer.reasons, *answer.following}
    known = former_jobs(Path(plan.results))
    stages: dict[str, Stage] = defaultdict(Stage)
    for job in answer.jobs:
        stage = stages[job.verb if job.verb in TABLE else LIGHT_STAGE]
        stage.jobs += 1
        if job.name in running:
            stage.add(
                cost_by_records(plan, job, known, same=True)
                or measure(job)
                or cost_by_records(plan, job, known, same=False)
                or cost_by_table(plan, job)
            )
    return dict(stages)


def describe(stages: Mapping[str, Stage]) -> str:
    """Table with a row for each stage and a total. "?" stands for work on data of which nothing is known."""
    rows = [_row(name, stage, unknown="?" if _unknown(name, stage) else "") for name, stage in stages.items()]
    known = [stage for name, stage in stages.items() if not _unknown(name, stage)]
    total = Stage(
        jobs=sum(stage.jobs for stage in stages.values()),
        running=sum(stage.running for stage in stages.values()),
        cpu=sum(stage.cpu for stage in known),
        gpu=sum(stage.gpu for stage in known),
        size=sum(stage.size for stage in known),
    )
    more = " + ?" if len(known) < len(stages) else ""
    return aligned([list(HEADINGS), *rows, _row("all", total, more=more)])


def _unknown(name: str, stage: Stage) -> bool:
    """Whether the table, which is of small data, was taken for work that depends on the data."""
    return name in MEASURABLE and TABLE_SOURCE in stage.sources


def _row(name: str, stage: Stage, unknown: str = "", more: str = "") -> list[str]:
    hours = (f"{seconds / 3600:.2f}" for seconds in (stage.cpu, stage.gpu))
    costs = [unknown or text + more for text in (*hours, size_text(round(stage.size)))]
    source = "not known before the data are prepared" if unknown else "; ".join(stage.sources)
    return [name, f"{stage.jobs:,}", f"{stage.running:,}", *costs, source]


def unmeasured(plan: Plan, options: Sequence[str] = ()) -> str:
    """Advice on how to prepare the data whose size is not known before; "" if there are none.

    Args:
        plan: the plan of the run.
        options: those of `latent-atlas` that find the same config and results.
    """
    files = {
        plan.path(f"datasets/{model.dataset}/train.zarr.zip"): model.dataset for model in plan.config.models.values()
    }
    missing = [
        file
        for file, name in files.items()
        if not Path(file).is_file() and not expected(name, "train", plan.config.datasets)
    ]
    imported = [plan.path(f"features/imported/{name}.zarr.zip") for name in plan.imported]
    missing += [file for file in imported if not Path(file).is_file()]
    command = shlex.join(["latent-atlas", "run", *options, *missing])
    return f"\nTo estimate what is not known, prepare the data: {command}" if missing else ""


def measurements(plan: Plan) -> Measure:
    """Function that measures the cost of a job; it imports torch, which takes seconds, only on the first call."""
    begun: list[Measure] = []

    def measure(job: PlannedJob) -> Cost | None:
        if not begun:
            print("Measuring a little of each kind of work: seconds to a minute.", file=sys.stderr)
            from workflow_lib.plan.measured import Measurements

            begun.append(Measurements(plan).cost)
        return begun[0](job)

    return measure
