"""Plans of the miniature whose costs the tests know."""

from pathlib import Path

from workflow_lib.cache.digests import DigestMemory
from workflow_lib.config.load import load
from workflow_lib.config.yaml_file import read_mapping
from workflow_lib.plan import targets
from workflow_lib.plan.jobs import upstream
from workflow_lib.plan.plan import Plan

MINIATURE = Path(__file__).resolve().parents[2] / "configs" / "miniature.yaml"
MIXED = {"studies": {"mixed": {"model": "digits_cnn", "seeds": [0, 1, 2], "pairs": [["0", "1"]]}}}


def planned(epochs=4, intervals_of="epochs", **sections):
    """A plan of the miniature, with further sections."""
    raw = {**read_mapping(MINIATURE), "results": "results", **sections}
    for model in raw["models"].values():
        model["training"]["epochs"] = epochs
        model["intervals_of"] = intervals_of
    return Plan(load(raw, "miniature"), DigestMemory(Path("digests")))


def job_like(plan, verb):
    """The last job of a verb."""
    return [job for job in upstream(plan, targets.default(plan)) if job.verb == verb][-1]
