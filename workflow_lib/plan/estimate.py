"""What would a run cost? `python -m workflow_lib.plan.estimate --config config.yaml` tells it before anything does.

No job runs and no result is touched.
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workflow_lib.cache.inventory import aligned, size_text
from workflow_lib.errors import UserError
from workflow_lib.plan.costs import TABLE, Cost, cost_by_records, cost_by_table, former_jobs
from workflow_lib.plan.jobs import PlannedJob
from workflow_lib.plan.load import load_plan, read_config
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
    return f"\nThe table knows nothing of your networks. To have them measured here: snakemake -- {' '.join(missing)}"


def main(arguments: Sequence[str]) -> int:
    """Print what a run would cost; 1 when the config is wrong, else 0."""
    parser = argparse.ArgumentParser(prog="python -m workflow_lib.plan.estimate", description="Tell what a run costs.")
    parser.add_argument("--config", type=Path, nargs="+", default=[Path("config.yaml")], help="what shall be there")
    files = parser.parse_args(arguments).config
    try:
        plan = load_plan(read_config(files), files)
        print(describe(estimate(plan, measure=_measure(plan))) + unmeasured(plan))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _measure(plan: Plan) -> Measure:
    """Measurements of networks, begun when the first one is asked for, since torch takes seconds to import."""
    begun: list[Measure] = []

    def measure(job: PlannedJob) -> Cost | None:
        if not begun:
            from workflow_lib.plan.measured import Measurements

            begun.append(Measurements(plan).cost)
        return begun[0](job)

    return measure


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
