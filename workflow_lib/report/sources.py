"""Sources of the methods, networks and data of a plan, in the words of docs/science.md."""

import re
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup

from workflow_lib.plan.plan import Plan
from workflow_lib.report.words import marked_up

SCIENCE = Path(__file__).parents[2] / "docs" / "science.md"
FAMILIES = {
    "kstar": ("kotyan",),
    "prototypes": ("dean", "fantastic", "deepfool"),
    "confusion": ("richoux", "welch", "hedges", "benjamini", "kullback"),
    "relations": ("mantel", "benjamini"),
}
DATA = {"digits": ("digits", "sklearn"), "cifar10": ("krizhevsky",), "cifar100": ("krizhevsky",)}
ENTRY = re.compile(r'^\* <a id="ref-(\w+)"></a>(.*?)(?=^\* |^\S|\Z)', re.MULTILINE | re.DOTALL)


def sources(plan: Plan) -> list[Markup]:
    """The source of each method, network and kind of data that a plan uses, with links; empty without the docs."""
    try:
        entries = dict(ENTRY.findall(SCIENCE.read_text(encoding="utf-8")))
    except OSError:
        return []
    return [marked_up(" ".join(entries[name].split())) for name in dict.fromkeys(_used(plan)) if name in entries]


def _used(plan: Plan) -> Iterator[str]:
    """Names of references, in the order of the studies."""
    for family, studies in plan.studies.items():
        yield from FAMILIES.get(family, ()) if studies else ()
    for study in plan.kstar.values():
        yield from study.study.maps
    for model in plan.config.models.values():
        if "resnet" in model.architecture:
            yield "he"
        if model.training and model.training.adversarial:
            yield "madry"
    for dataset in plan.config.datasets.values():
        yield from DATA.get(dataset.source, ())
