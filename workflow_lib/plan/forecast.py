"""What a run is going to do, in a form that its display can show: steps by stage, their weight, and why they run."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from workflow_lib.plan.costs import cost_by_table
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.why import FOLLOWING, Answer

STAGES = {
    "data": ("prepare_dataset", "unite_datasets", "transform_dataset", "import_features", "encode_texts"),
    "networks": ("check_network", "check_examined"),
    "training": ("train_interval", "import_weights"),
    "features": ("extract_features",),
    "k*": ("compute_kstar", "approximate_kstar", "count_neighbours"),
    "maps": ("compute_map",),
    "prototypes": ("make_prototypes", "compute_dissimilarity", "attack_prototypes", "find_boundaries"),
    "confusion": ("train_replicates", "collect_confusion"),
    "tables and figures": (),
}
"""Verbs of each stage, in the order of a run; all others are tables and figures."""
STAGE_OF = {verb: stage for stage, verbs in STAGES.items() for verb in verbs}
LAST = "tables and figures"


class Step(NamedTuple):
    """A step that is to run: its stage, the rule that Snakemake knows it by, and the seconds that it may take."""

    stage: str
    rule: str
    seconds: float


@dataclass(frozen=True)
class Forecast:
    """What a run is going to do.

    Attributes:
        results: folder of results.
        steps: by name, as in `logs/{name}.log`.
        reasons: for each stage, reasons and the number of steps that have each of them.
        options: those of `latent-atlas` that find the same config and results.
    """

    results: str = "results"
    steps: dict[str, Step] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    options: Sequence[str] = ()


def stage(verb: str) -> str:
    """Stage of a step."""
    return STAGE_OF.get(verb, LAST)


def forecast(plan: Plan, answer: Answer, options: Sequence[str] = ()) -> Forecast:
    """What would run, from the built-in table of costs: it is there at once, and the display soon measures."""
    seconds: dict[tuple[str, str], float] = {}
    steps: dict[str, Step] = {}
    reasons: dict[str, Counter[str]] = {}
    for job in answer.jobs:
        if job.name not in answer.reasons and job.name not in answer.following:
            continue
        alike = (job.verb, job.subject)
        if alike not in seconds:
            seconds[alike] = cost_by_table(plan, job).cpu
        steps[job.name] = Step(stage(job.verb), job.bundle[0] if job.bundle else job.verb, seconds[alike])
        why = reasons.setdefault(stage(job.verb), Counter())
        why.update([answer.reasons.get(job.name, [FOLLOWING])[0]])
    return Forecast(str(Path(plan.results)), steps, reasons, options)
