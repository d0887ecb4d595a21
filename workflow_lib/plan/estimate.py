"""Estimate the cost of a run before it starts: `latent-atlas estimate`.

No job runs and no result is changed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workflow_lib.cache.inventory import aligned, size_text
from workflow_lib.plan.costs import TABLE, Cost, cost_by_records, cost_by_table, former_jobs
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
    """Table with a row for each stage and a total."""
    rows = [_row(name, [stage]) for name, stage in stages.items()]
    return aligned([list(HEADINGS), *rows, _row("all", list(stages.values()))])


def _row(name: str, stages: Sequence[Stage]) -> list[str]:
    cpu, gpu = sum(stage.cpu for stage in stages), sum(stage.gpu for stage in stages)
    return [
        name,
        f"{sum(stage.jobs for stage in stages):,}",
        f"{sum(stage.running for stage in stages):,}",
        f"{cpu / 3600:.2f}",
        f"{gpu / 3600:.2f}",
        size_text(round(sum(stage.size for stage in stages))),
        "; ".join(stages[0].sources) if len(stages) == 1 else "",
    ]


def unmeasured(plan: Plan) -> str:
    """Advice on how to prepare the datasets that measuring the networks needs; "" if all are prepared."""
    datasets = dict.fromkeys(model.dataset for model in plan.config.models.values())
    files = [plan.path(f"datasets/{name}/train.zarr.zip") for name in datasets]
    missing = [file for file in files if not Path(file).is_file()]
    if not missing:
        return ""
    return f"\nThe table does not know your networks. To measure them here: latent-atlas run {' '.join(missing)}"


def measurements(plan: Plan) -> Measure:
    """Function that measures the cost of a job; it imports torch, which takes seconds, only on the first call."""
    begun: list[Measure] = []

    def measure(job: PlannedJob) -> Cost | None:
        if not begun:
            from workflow_lib.plan.measured import Measurements

            begun.append(Measurements(plan).cost)
        return begun[0](job)

    return measure
