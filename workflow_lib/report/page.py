"""The page: everything that is known of a plan and its results, as one HTML file that needs nothing else."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from workflow_lib.figures.reading import TEXT, TEXT_OF_CONFUSION, TEXT_OF_PROTOTYPES
from workflow_lib.plan.plan import Plan
from workflow_lib.report import facts, words
from workflow_lib.report.explorer import fragment
from workflow_lib.report.files import Budget, link
from workflow_lib.report.origin import origin
from workflow_lib.report.parts import ROOT, FigurePart, Sizes, StudyPart, study_part
from workflow_lib.report.sources import sources
from workflow_lib.report.state import State

LIMIT = 30_000_000
"""Largest size of the page in bytes."""
MARGIN = 10_000
"""Bytes of what the page says about the explorer."""
PICTURES = 12_000_000
"""Bytes of figures."""
TABLES = 4_000_000
"""Bytes of tables."""
SHOWN_DATA, SHOWN_NETWORKS = 4, 4
"""Datasets, and networks of each, that the first screen names."""
ASSETS = Path(__file__).parent / "assets"
FAMILIES = {
    "kstar": "k* distributions",
    "prototypes": "Prototypes",
    "confusion": "Confusion",
    "relations": "Relations between classes",
}
SITE = ROOT / "site"
"""The documentation, where it was made (`make site`)."""
HEROES = ("class_prototypes", "maps", "trends", "violins", "information", "strongest")
"""Figures that can open the page, best first."""


@dataclass(frozen=True)
class Summary:
    """What was written.

    Attributes:
        bytes: size of the page.
        total, missing, outdated: number of tables and figures of the plan.
        failed: jobs that failed.
    """

    bytes: int
    total: int
    missing: int
    outdated: int
    failed: int


def render(plan: Plan, files: Sequence[Path], page: Path, options: Sequence[str]) -> tuple[str, Summary]:
    """The page as text.

    Args:
        plan: the plan of the run.
        files: the config files, which the page shows.
        page: where it will be, for links to files.
        options: those of `latent-atlas` that find the same config and results again.
    """
    state = State(plan)
    sizes = Sizes(Budget(PICTURES), Budget(TABLES))
    studies = [
        study_part(plan, study, state, page, sizes) for family in plan.studies.values() for study in family.values()
    ]
    parts = [part for study in studies for part in study.parts]
    count = {kind: sum(part.status.kind == kind for part in parts) for kind in ("missing", "outdated")}
    environment = Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"counted": words.counted, "listed": words.listed, "verb": words.verb}
    made = origin((path for job in state.answer.jobs for path in job.makes), plan.results)
    context: dict[str, Any] = {
        "style": Markup(_asset("page.css")),
        "script": Markup(_asset("page.js")),
        "families": FAMILIES,
        "studies": studies,
        "hero": _hero(studies),
        "short": _short(studies),
        "data": facts.data(plan),
        "networks": facts.networks(plan),
        "shown_data": SHOWN_DATA,
        "shown_networks": SHOWN_NETWORKS,
        "text_columns": " ".join((*TEXT, *TEXT_OF_PROTOTYPES, *TEXT_OF_CONFUSION, "true", "predicted", "sample")),
        "origin": made,
        "duration": _duration(made.seconds),
        "state": state,
        "total": len(parts),
        "missing": count["missing"],
        "outdated": count["outdated"],
        "failed": {failure.job for failure in state.failures},
        "failures": [(failure, link(failure.log, page)) for failure in state.failures],
        "config": [(str(file), _text(file)) for file in files],
        "options": "".join(f" {shlex.quote(word)}" for word in options),
        "sources": sources(plan),
        "citation": _text(ROOT / "CITATION.cff"),
        "site": link(SITE, page) if (SITE / "index.html").is_file() else "",
        "now": datetime.now(UTC),
    }
    template = environment.get_template("page.html.jinja")
    bare = template.render(context, explorer="")
    explorer = fragment(plan, LIMIT - MARGIN - len(bare.encode("utf-8", "replace")), state.outdated)
    text = template.render(context, explorer=Markup(explorer)) if explorer else bare
    size = len(text.encode("utf-8", "replace"))
    return text, Summary(size, len(parts), count["missing"], count["outdated"], len(state.failures))


def _hero(studies: Sequence[StudyPart]) -> tuple[StudyPart, FigurePart] | None:
    """The first figure of the page."""
    shown = [
        (study, figure) for study in studies for figure in study.figures if figure.picture and figure.picture.source
    ]
    rank = {name: place for place, name in enumerate(HEROES)}
    return min(shown, key=lambda pair: rank.get(pair[1].name, len(rank)), default=None)


def _short(studies: Sequence[StudyPart]) -> list[tuple[StudyPart, str]]:
    """One claim of each study, and none twice."""
    found: dict[str, tuple[StudyPart, str]] = {}
    for study in studies:
        claims = [finding.claim for finding in study.findings]
        if claim := next((claim for claim in claims if claim not in found), ""):
            found[claim] = (study, claim)
    return list(found.values())


def _duration(seconds: float) -> str:
    """A time in words."""
    if seconds < 90:
        return words.counted(round(seconds), "second")
    if seconds < 90 * 60:
        return words.counted(round(seconds / 60), "minute")
    return f"{words.number(seconds / 3600, 2)}{words.SPACE}hours"


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")
