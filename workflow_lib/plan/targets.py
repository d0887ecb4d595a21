"""Targets of Snakemake by name, with their paths."""

from workflow_lib.plan.plan import Plan

TARGETS = ("checkpoints", "features", "kstar", "maps", "prototypes", "confusion", "tables", "figures", "arrays")
"""Names of the target rules."""


def paths(plan: Plan, target: str) -> list[str]:
    """Artifacts of a target: all checkpoints, one stage of all studies, their tables, figures or arrays, or `all`."""
    if target == "all":
        return default(plan)
    if target == "checkpoints":
        return [
            plan.path(f"checkpoints/{name}/seed-{seed}/interval-{interval}.pt")
            for name, model in plan.config.models.items()
            for seed in model.seeds
            for interval in model.intervals
        ]
    studies = [study for family in plan.studies.values() for study in family.values()]
    if target in ("tables", "figures", "arrays"):
        return [
            path
            for study in studies
            for output in study.outputs
            if output.kind == target
            for path in study.files(output).values()
        ]
    return list(dict.fromkeys(path for s in studies for files in s.stages.get(target, []) for path in files.paths))


def default(plan: Plan) -> list[str]:
    """Artifacts that `snakemake` makes without a target."""
    return paths(plan, "tables") + paths(plan, "figures")
