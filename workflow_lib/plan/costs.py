"""What a job will cost, by what is known of jobs like it.

Of former jobs the records beside their results tell seconds and bytes. Those on the same data and models come first;
then what this machine needs for a little of the same work; then former jobs on other data; then a table.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from workflow_lib.plan.jobs import PlannedJob
from workflow_lib.plan.plan import Plan
from workflow_lib.runner.records import FOLDER, comparable

Subject = frozenset[str]
Known = Mapping[str, Mapping[Subject, Sequence["Cost"]]]
"""Costs of single outputs for a unit of work, by verb and subject."""

TABLE = {
    "prepare_dataset": (1.5, 45_000),
    "import_features": (1.5, 500_000),
    "train_interval": (0.15, 740_000),
    "import_weights": (1.0, 740_000),
    "extract_features": (1.0, 260_000),
    "compute_kstar": (1.1, 17_000),
    "compute_map": (2.2, 16_000),
    "count_neighbours": (0.6, 1_200),
    "make_prototypes": (2.9, 90_000),
    "compute_dissimilarity": (0.6, 15_000),
    "find_boundaries": (3.2, 60_000),
    "train_replicates": (0.035, 6_500),
    "collect_confusion": (7.0, 110_000),
}
"""Seconds of one core and bytes of one output, for a unit of work: the default study without a GPU."""
LIGHT = (1.6, 100_000)
"""The same for tables and figures."""
TABLE_SOURCE = "a table, for 1,800 images of 8x8 pixels"


@dataclass(frozen=True)
class Cost:
    """What something costs.

    Attributes:
        cpu, gpu: seconds of one core, and of one GPU.
        size: bytes of what it writes.
        source: what this was learnt from, in words.
    """

    cpu: float
    gpu: float
    size: float
    source: str


def former_jobs(results: Path) -> Known:
    """What outputs have cost that are still there, for a unit of work; an entry for each of them."""
    found: dict[str, dict[Subject, list[Cost]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted((results / FOLDER).rglob("*.json")):
        artifact = results / file.relative_to(results / FOLDER).with_suffix("")
        record = comparable([artifact], results)
        try:
            size, whole = artifact.stat().st_size, json.loads(file.read_bytes())
            seconds, threads, verb = float(whole["seconds"]), int(whole["threads"]), str(whole["verb"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if record:
            each = seconds / work(record["spec"])
            gpu = each if record["device"] == "cuda" else 0.0
            found[verb][subject(record["inputs"].values(), results)].append(Cost(each * threads, gpu, size, ""))
    return found


def subject(inputs: Iterable[str], results: Path) -> Subject:
    """Datasets, models and studies that a job reads from: jobs that share them cost about the same."""
    below = (Path(path).relative_to(results) for path in inputs if Path(path).is_relative_to(results))
    return frozenset(path.parts[-2] if path.parts[0] == "studies" else path.parts[1] for path in below)


def work(spec: Mapping[str, Any]) -> int:
    """How much work outputs with these settings are: the epochs of the whole training, also for an interval; else 1."""
    return int(spec["training"]["epochs"]) if "training" in spec else 1


def cost_by_records(plan: Plan, job: PlannedJob, known: Known, *, same: bool) -> Cost | None:
    """What a job will cost if it is like former ones on the same data, or on others; None where there are none."""
    like_it = known.get(job.verb, {})
    chosen, source = like_it.get(subject(job.needs, Path(plan.results)), []), "former jobs on the same data"
    if not same:
        chosen, source = [cost for costs in like_it.values() for cost in costs], "former jobs on other data"
    if not chosen:
        return None
    cpu, gpu, size = (fmean(getattr(cost, part) for cost in chosen) for part in ("cpu", "gpu", "size"))
    return _times(plan, job, Cost(cpu, gpu, size, source))


def cost_by_table(plan: Plan, job: PlannedJob) -> Cost:
    """What a job costs on small data."""
    seconds, size = TABLE.get(job.verb, LIGHT)
    return _times(plan, job, Cost(seconds, 0.0, size, TABLE_SOURCE))


def _times(plan: Plan, job: PlannedJob, each: Cost) -> Cost:
    """The cost of a job from that of an output for a unit of work; outputs that are made together are one."""
    amount = sum(work(unit.spec) for unit in job.run(plan, "cpu").units)
    return Cost(each.cpu * amount, each.gpu * amount, each.size * len(job.makes), each.source)
