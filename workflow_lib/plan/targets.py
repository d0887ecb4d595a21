"""Final artifacts of each kind, as the target rules of Snakemake ask for them."""

from collections.abc import Iterable, Iterator

from workflow_lib.plan.confusion import ConfusionPlan
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.prototypes import PrototypePlan

TABLES = ("classes.csv", "aggregates.csv", "tables.html")
PICTURE = ("svg", "png", "csv")


def checkpoints(plan: Plan) -> list[str]:
    """Every checkpoint that the config asks for."""
    return [
        f"results/checkpoints/{name}/seed-{seed}/interval-{interval}.pt"
        for name, model in plan.config.models.items()
        for seed in model.seeds
        for interval in model.intervals
    ]


def features(plan: Plan) -> list[str]:
    """Features of every point of every study."""
    return _unique(path for study in plan.studies.values() for path in study.features.paths)


def kstar(plan: Plan) -> list[str]:
    """k* of every point of every study."""
    return _unique(path for study in plan.studies.values() for path in study.kstar.paths)


def prototypes(plan: Plan) -> list[str]:
    """Prototypes, their tensors and boundary images, of every study of prototypes."""
    return [
        path
        for study in plan.prototypes.values()
        for kind in ("prototypes", "dissimilarity", *(["boundaries"] if study.has_boundaries else []))
        for path in study.stores(kind).paths
    ]


def confusion(plan: Plan) -> list[str]:
    """Results of every training of every study of confused classes."""
    return [path for study in plan.confusion.values() for path in study.stores.paths]


def maps(plan: Plan) -> list[str]:
    """Two-dimensional maps that the studies ask for."""
    return _unique(path for study in plan.studies.values() if study.study.maps for path in study.maps.paths)


def tables(plan: Plan) -> list[str]:
    """Tables of every study."""
    kstar = [f"results/studies/{study}/{table}" for study in plan.studies for table in TABLES]
    others = [
        f"results/{folder}/{name}/{table}.csv" for folder, name, study in _other_studies(plan) for table in study.tables
    ]
    return kstar + others


def figures(plan: Plan) -> list[str]:
    """Figures of every study: those that its choice of dimensions and maps allows."""
    kstar = [
        f"results/studies/{name}/{figure}.{suffix}"
        for name in plan.studies
        for figure in figures_of(plan, name)
        for suffix in PICTURE
    ]
    others = [
        f"results/{folder}/{name}/{figure}.{suffix}"
        for folder, name, study in _other_studies(plan)
        for figure in study.figures
        for suffix in PICTURE
    ]
    return kstar + others


def figures_of(plan: Plan, study: str) -> list[str]:
    """Names of the figures of one study."""
    chosen = ["violins", "neighbours"]
    if set(plan.studies[study].varied) - {"seed"}:
        chosen.append("trends")
    if plan.studies[study].study.maps:
        chosen.append("maps")
    return chosen


def _other_studies(plan: Plan) -> Iterator[tuple[str, str, PrototypePlan | ConfusionPlan]]:
    """Folder, name and plan of every study that is not of k*."""
    for name, prototypes in plan.prototypes.items():
        yield "prototype_studies", name, prototypes
    for name, confusion in plan.confusion.items():
        yield "confusion_studies", name, confusion


def _unique(paths: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(paths))
