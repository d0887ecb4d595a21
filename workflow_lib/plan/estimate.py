"""What would a run cost? `latent-atlas estimate` says so before anything does.

No job runs and no result is touched.
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
    """What the jobs of one stage cost that would run; seconds and bytes."""

    jobs: int = 0
    running: int = 0
    cpu: float = 0.0
    gpu: float = 0.0
    size: float = 0.0
    sources: dict[str, None] = field(default_factory=dict)

    def add(self, cost: Cost) -> None:
        """Count a job that would run."""
        self.running += 1
        self.cpu += cost.cpu
        self.gpu += cost.gpu
        self.size += cost.size
        self.sources[cost.source] = None


def estimate(plan: Plan, targets: Iterable[str] | None = None, measure: Measure = lambda _: None) -> dict[str, Stage]:
    """Cost by stage, in the order in which the stages first come.

    Args:
        plan: what shall be there.
        targets: artifacts asked for; None takes those of plain `snakemake`.
        measure: what this machine needs for a job; None where that is not known.
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
    """A row for each stage, and one for all."""
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
    """What to do so that networks can be measured whose data sets have not been prepared; "" where all have."""
    datasets = dict.fromkeys(model.dataset for model in plan.config.models.values())
    files = [plan.path(f"datasets/{name}/train.zarr.zip") for name in datasets]
    missing = [file for file in files if not Path(file).is_file()]
    if not missing:
        return ""
    return (
        f"\nThe table knows nothing of your networks. To have them measured here: latent-atlas run {' '.join(missing)}"
    )


def measurements(plan: Plan) -> Measure:
    """Measurements of networks, begun when the first one is asked for, since torch takes seconds to import."""
    begun: list[Measure] = []

    def measure(job: PlannedJob) -> Cost | None:
        if not begun:
            from workflow_lib.plan.measured import Measurements

            begun.append(Measurements(plan).cost)
        return begun[0](job)

    return measure
