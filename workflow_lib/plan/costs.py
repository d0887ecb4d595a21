"""Estimated cost of a job, from similar jobs.

Sources, best first: former jobs on the same data and models; a short measurement on this machine; former jobs on other
data; a built-in table. Seconds and bytes of former jobs come from the records of their results.
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
"""Costs of single outputs per unit of work, by kind and subject."""

BY_DATA = "train_interval by data"
"""Kind of the trainings on a part of the images: their units are passes over all of them."""

TABLE = {
    "prepare_dataset": (1.5, 45_000),
    "unite_datasets": (1.5, 90_000),
    "transform_dataset": (2.5, 180_000),
    "encode_texts": (10.0, 1_500_000),
    "import_features": (1.5, 500_000),
    "check_network": (1.3, 700),
    "check_examined": (0.6, 200),
    "train_interval": (0.15, 740_000),
    BY_DATA: (0.4, 740_000),
    "import_weights": (1.0, 740_000),
    "extract_features": (1.0, 260_000),
    "compute_kstar": (1.1, 17_000),
    "approximate_kstar": (30.0, 17_000),
    "compute_map": (2.2, 16_000),
    "count_neighbours": (0.6, 1_200),
    "make_prototypes": (2.9, 90_000),
    "compute_dissimilarity": (0.6, 15_000),
    "attack_prototypes": (0.7, 11_000),
    "find_boundaries": (3.2, 60_000),
    "train_replicates": (0.035, 6_500),
    "collect_confusion": (0.0076, 110_000),
}
"""Core seconds and bytes of one output per unit of work, from the default study without a GPU."""
MEASURABLE = (
    *("train_interval", "train_replicates", "extract_features", "compute_kstar"),
    *("make_prototypes", "attack_prototypes", "find_boundaries"),
)
"""Verbs whose cost depends most on data and networks, so that it is measured (`plan/measured.py`)."""
TRAININGS = ("train_interval", "train_replicates")
"""Verbs whose cost grows with the epochs."""
LIGHT = (1.6, 100_000)
"""Core seconds and bytes of tables and figures."""
TABLE_SOURCE = "a table, for 1,800 images of 8x8 pixels"


@dataclass(frozen=True)
class Cost:
    """Cost of a job or output.

    Attributes:
        cpu, gpu: seconds of one core, and of one GPU.
        size: bytes written.
        source: source of the estimate, in words.
    """

    cpu: float
    gpu: float
    size: float
    source: str


def former_jobs(results: Path) -> Known:
    """Cost per unit of work of every output that still exists and has a record."""
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
            each = seconds / work(verb, record["spec"], len(record["inputs"]))
            gpu = each if record["device"] == "cuda" else 0.0
            found[kind(verb, record["spec"])][subject(record["inputs"].values(), results)].append(
                Cost(each * threads, gpu, size, "")
            )
    return found


def subject(inputs: Iterable[str], results: Path) -> Subject:
    """Names of the datasets, models and studies that a job reads; jobs with the same names cost about the same."""
    below = (Path(path).relative_to(results) for path in inputs if Path(path).is_relative_to(results))
    return frozenset(path.parts[-2] if path.parts[0] == "studies" else path.parts[1] for path in below)


def kind(verb: str, spec: Mapping[str, Any]) -> str:
    """Outputs of one kind cost the same for each unit of work: those of a verb, but for `BY_DATA`."""
    return BY_DATA if "percent" in spec else verb


def work(verb: str, spec: Mapping[str, Any], inputs: int) -> float:
    """Units of work of an output: the epochs of the whole training, even for one interval; else 1, or the inputs."""
    if verb in TRAININGS:
        return float(spec["training"]["epochs"]) * float(spec.get("percent", 100)) / 100
    return float(inputs) if verb == "collect_confusion" else 1.0


def cost_by_records(plan: Plan, job: PlannedJob, known: Known, *, same: bool) -> Cost | None:
    """Mean cost of former jobs on the same data (`same`) or on other data; None without such jobs."""
    like_it = known.get(kind(job.verb, json.loads(job.spec())), {})
    chosen, source = like_it.get(subject(job.reads, Path(plan.results)), []), "former jobs on the same data"
    if not same:
        chosen, source = [cost for costs in like_it.values() for cost in costs], "former jobs on other data"
    if not chosen:
        return None
    cpu, gpu, size = (fmean(getattr(cost, part) for cost in chosen) for part in ("cpu", "gpu", "size"))
    return _times(plan, job, Cost(cpu, gpu, size, source))


def cost_by_table(plan: Plan, job: PlannedJob) -> Cost:
    """Cost of a job on small data, from the built-in table."""
    seconds, size = TABLE.get(kind(job.verb, json.loads(job.spec())), LIGHT)
    return _times(plan, job, Cost(seconds, 0.0, size, TABLE_SOURCE))


def _times(plan: Plan, job: PlannedJob, each: Cost) -> Cost:
    """Cost of a job, from the cost of one output per unit of work; outputs made together count once, except in size."""
    amount = sum(work(job.verb, unit.spec, len(job.reads)) for unit in job.run(plan, "cpu").units)
    return Cost(each.cpu * amount, each.gpu * amount, each.size * len(job.makes), each.source)
