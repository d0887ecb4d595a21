"""What would a run cost? `python -m workflow_lib.plan.estimate --config config.yaml` tells it before anything does.

Each job is taken to cost what jobs of its verb have cost in this folder, on the same data and models if there are such;
else what they cost in a table that comes with this module. Nothing is run, no result is touched.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean

from workflow_lib.errors import UserError
from workflow_lib.plan.load import load_plan, read_config
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.planned_job import PlannedJob
from workflow_lib.plan.records import record_of
from workflow_lib.plan.why import explain
from workflow_lib.runner.inventory import aligned, size_text

Subject = frozenset[str]
HEADINGS = ("stage", "jobs", "to run", "CPU hours", "GPU hours", "disk", "estimated from")
RECORDS = Path("results", "provenance")

TABLE = {
    "prepare_dataset": (3.0, 45_000),
    "import_features": (3.0, 500_000),
    "train_interval": (5.0, 740_000),
    "import_weights": (4.0, 740_000),
    "extract_features": (4.0, 270_000),
    "compute_kstar": (2.0, 17_000),
    "compute_map": (5.0, 16_000),
    "count_neighbours": (2.0, 1_500),
    "make_prototypes": (15.0, 105_000),
    "compute_dissimilarity": (1.0, 15_000),
    "find_boundaries": (15.0, 60_000),
    "train_ensemble": (30.0, 6_000),
}
"""Seconds of one core for a job, bytes of one output: the default study, roughly, without a GPU."""
LIGHT = (2.5, 40_000)
"""The same for tables and figures."""


@dataclass(frozen=True)
class Rate:
    """What a job of a kind costs.

    Attributes:
        cpu, gpu: seconds of one core, and of one GPU.
        size: bytes of one output.
        source: what this was learnt from, in words.
    """

    cpu: float
    gpu: float
    size: float
    source: str


@dataclass
class Cost:
    """What the jobs of one verb cost that would run; seconds and bytes."""

    jobs: int = 0
    running: int = 0
    cpu: float = 0.0
    gpu: float = 0.0
    size: float = 0.0
    sources: dict[str, None] = field(default_factory=dict)


def estimate(plan: Plan, targets: Iterable[str] | None = None) -> dict[str, Cost]:
    """Cost by verb, in the order in which the verbs first come.

    Args:
        plan: what shall be there.
        targets: artifacts asked for; None takes those of plain `snakemake`.
    """
    answer = explain(plan, targets)
    running = {*answer.reasons, *answer.following}
    known = former_jobs(RECORDS)
    costs: dict[str, Cost] = defaultdict(Cost)
    for job in answer.jobs:
        cost = costs[job.verb]
        cost.jobs += 1
        if job.name in running:
            rate = rate_of(job, known)
            cost.running += 1
            cost.cpu += rate.cpu
            cost.gpu += rate.gpu
            cost.size += rate.size * len(job.makes)
            cost.sources[rate.source] = None
    return dict(costs)


def former_jobs(records: Path) -> dict[str, dict[Subject, list[Rate]]]:
    """What jobs have cost whose results are still there, by verb and subject; one entry for each of their outputs."""
    found: dict[str, dict[Subject, list[Rate]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted(records.rglob("*.json")):
        artifact = records.parent / file.relative_to(records).with_suffix("")
        record = record_of([artifact])
        try:
            size, whole = artifact.stat().st_size, json.loads(file.read_bytes())
            seconds, threads, verb = float(whole["seconds"]), int(whole["threads"]), str(whole["verb"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if record:
            gpu = seconds if record["device"] == "cuda" else 0.0
            found[verb][subject(record["inputs"].values())].append(Rate(seconds * threads, gpu, size, ""))
    return found


def subject(inputs: Iterable[str]) -> Subject:
    """Datasets, models and studies that a job reads from: jobs that share them cost about the same."""
    return frozenset(Path(path).parts[2] for path in inputs if path.startswith("results/"))


def rate_of(job: PlannedJob, known: Mapping[str, Mapping[Subject, list[Rate]]]) -> Rate:
    """What a job will cost, by the nearest that is known."""
    like_it = known.get(job.verb, {})
    if same := like_it.get(subject(job.needs), []):
        return _mean(same, "former jobs on the same data")
    if others := [rate for rates in like_it.values() for rate in rates]:
        return _mean(others, "former jobs on other data")
    seconds, size = TABLE.get(job.verb, LIGHT)
    return Rate(seconds, 0.0, size, "a table, for 1,800 images of 8x8 pixels")


def _mean(rates: Sequence[Rate], source: str) -> Rate:
    return Rate(
        fmean(rate.cpu for rate in rates), fmean(rate.gpu for rate in rates), fmean(rate.size for rate in rates), source
    )


def describe(costs: Mapping[str, Cost]) -> str:
    """A row for each verb, and one for all."""
    rows = [_row(verb, [cost]) for verb, cost in costs.items()]
    return aligned([list(HEADINGS), *rows, _row("all", list(costs.values()))])


def _row(name: str, costs: Sequence[Cost]) -> list[str]:
    cpu, gpu = sum(cost.cpu for cost in costs), sum(cost.gpu for cost in costs)
    sources = costs[0].sources if len(costs) == 1 else {}
    return [
        name,
        f"{sum(cost.jobs for cost in costs):,}",
        f"{sum(cost.running for cost in costs):,}",
        f"{cpu / 3600:.2f}",
        f"{gpu / 3600:.2f}",
        size_text(round(sum(cost.size for cost in costs))),
        "; ".join(sources),
    ]


def main(arguments: Sequence[str]) -> int:
    """Print what a run would cost; 1 when the config is wrong, else 0."""
    parser = argparse.ArgumentParser(prog="python -m workflow_lib.plan.estimate", description="Tell what a run costs.")
    parser.add_argument("--config", type=Path, nargs="+", default=[Path("config.yaml")], help="what shall be there")
    files = parser.parse_args(arguments).config
    try:
        print(describe(estimate(load_plan(read_config(files), files))))
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
