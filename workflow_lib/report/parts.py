"""What the page says of one study: its findings, figures and tables, and the places of those that are missing."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from workflow_lib.errors import UserError
from workflow_lib.figures.reading import read_named
from workflow_lib.plan.outputs import Output
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.study import StudyPlan
from workflow_lib.report import facts
from workflow_lib.report.captions import caption
from workflow_lib.report.files import Budget, Picture, Sheet, link, picture, sheet
from workflow_lib.report.findings import READ, Finding, of_study
from workflow_lib.report.state import State, Status, worst
from workflow_lib.report.tables import FIRST, MEANINGS, columns

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).parents[2]
STEPS, RULES = ROOT / "workflow_lib" / "steps", ROOT / "rules" / "bundles.smk"


@dataclass(frozen=True)
class Part:
    """A figure or a table of a study.

    Attributes:
        id: of its element.
        title: what it is.
        status: whether it is there and up to date.
        links: relative URLs of its files, by suffix.
        step, code: the step that made it, and the URL of its source.
        rule, rules: its rule, and the URL of the file with it.
        numbers: its CSV; None if it is missing or cannot be read.
        target: path of its file, to make it.
        problem: why it cannot be shown; "" if it can.
    """

    id: str
    title: str
    status: Status
    links: Mapping[str, str]
    step: str
    code: str
    rule: str
    rules: str
    numbers: Sheet | None
    target: str
    problem: str


@dataclass(frozen=True)
class FigurePart(Part):
    """A figure.

    Attributes:
        name: of its files.
        first, caption: the first sentence of its caption, and the rest.
        picture: the image; None if it is missing or cannot be read.
    """

    name: str
    first: str
    caption: Markup
    picture: Picture | None


@dataclass(frozen=True)
class TablePart(Part):
    """A table.

    Attributes:
        file: name of its file.
        is_open: whether it is shown at once.
        columns: what its rows and columns are; "" if the docs do not say it.
    """

    file: str
    is_open: bool
    columns: Markup


@dataclass(frozen=True)
class StudyPart:
    """A study on the page.

    Attributes:
        id: of its element.
        family, name, title, question: of the study; the question may be empty.
        findings, troubles: what its tables say.
        figures, tables: in the order of the family's outputs.
        others: names and URLs of tables in other forms than CSV.
    """

    id: str
    family: str
    name: str
    title: str
    question: str
    findings: Sequence[Finding]
    troubles: Sequence[Finding]
    figures: Sequence[FigurePart]
    tables: Sequence[TablePart]
    others: Sequence[tuple[str, str]]

    @property
    def parts(self) -> Sequence[Part]:
        """Figures and tables."""
        return [*self.figures, *self.tables]

    @property
    def status(self) -> Status:
        """That of the tables from which the findings are made."""
        return worst(table.status for table in self.tables if table.numbers)

    def of_kind(self, kind: str) -> list[str]:
        """Titles of what is missing or outdated."""
        return [part.title for part in self.parts if part.status.kind == kind]


@dataclass(frozen=True)
class Sizes:
    """Bytes that figures and tables may still take."""

    pictures: Budget
    tables: Budget


def study_part(plan: Plan, study: StudyPlan, state: State, page: Path, sizes: Sizes) -> StudyPart:
    """A study on the page at the path `page`."""
    figures: list[FigurePart] = []
    tables: list[TablePart] = []
    others: list[tuple[str, str]] = []
    for output in study.outputs:
        if output.is_figure:
            figures.append(_figure(study, output, state.of(study, output), page, sizes))
        elif output.kind == "tables":
            paths = [Path(path) for path in study.files(output).values()]
            tables += _tables(study, output, state, page, sizes)
            others += [(path.name, link(path, page)) for path in paths if path.suffix != ".csv" and path.is_file()]
    findings, troubles = of_study(study.family, _read(study), _unit(plan, study))
    return StudyPart(
        id=f"{study.family}-{study.name}",
        family=study.family,
        name=study.name,
        title=study.study.title,
        question=getattr(study.settings, "description", ""),
        findings=findings,
        troubles=troubles,
        figures=figures,
        tables=tables,
        others=others,
    )


def _figure(study: StudyPlan, output: Output, status: Status, page: Path, sizes: Sizes) -> FigurePart:
    files = {kind: Path(path) for kind, path in study.files(output).items()}
    shown = numbers = None
    problem = ""
    if status.kind != "missing":
        try:
            shown, numbers = picture(files["svg"], files["png"], sizes.pictures), sheet(files["csv"], sizes.tables)
        except (OSError, ValueError) as error:
            problem = str(error)
    first, rest = caption(output.name)
    return FigurePart(
        id=f"{study.family}-{study.name}-{output.name}",
        title=output.content[:1].upper() + output.content[1:],
        status=status,
        links={kind: link(path, page) for kind, path in files.items()},
        step=output.verb,
        code=link(STEPS / f"{output.verb}.py", page),
        rule=output.rule(study.family),
        rules=link(RULES, page),
        numbers=numbers,
        target=str(files["png"]),
        problem=problem,
        name=output.name,
        first=first,
        caption=rest,
        picture=shown,
    )


def _tables(study: StudyPlan, output: Output, state: State, page: Path, sizes: Sizes) -> Iterator[TablePart]:
    for path in map(Path, study.files(output).values()):
        if path.suffix != ".csv":
            continue
        status = state.of_file(path)
        numbers, problem = None, ""
        if status.kind != "missing":
            try:
                numbers = sheet(path, sizes.tables)
            except (OSError, ValueError) as error:
                problem = str(error)
        yield TablePart(
            id=f"{study.family}-{study.name}-table-{path.stem}",
            title=MEANINGS.get(study.family, {}).get(path.stem, path.stem),
            status=status,
            links={"csv": link(path, page)},
            step=output.verb,
            code=link(STEPS / f"{output.verb}.py", page),
            rule=output.rule(study.family),
            rules=link(RULES, page),
            numbers=numbers,
            target=str(path),
            problem=problem,
            file=path.name,
            is_open=path.stem == FIRST.get(study.family),
            columns=columns(study.family, path.stem),
        )


def _read(study: StudyPlan) -> dict[str, "pd.DataFrame"]:
    """The tables from which findings are made, if they exist and can be read."""
    found = {}
    for name in READ.get(study.family, ()):
        with contextlib.suppress(UserError):  # its place on the page says so
            found[name] = read_named(Path(study.folder, f"{name}.csv"))
    return found


def _unit(plan: Plan, study: StudyPlan) -> str:
    """What a sample of a study is, in the plural; "samples" if its data are of several kinds."""
    imported = getattr(study.study, "imported", ())
    models = [plan.config.models[name] for name in getattr(study.study, "models", ())]
    units = {facts.unit(plan, name) for name in [*imported, *(model.dataset for model in models)]}
    return units.pop() if len(units) == 1 else "samples"
