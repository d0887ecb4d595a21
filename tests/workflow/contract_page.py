"""Writes the tables of docs/appendix/contract.md from the rows of the contract: `python contract_page.py [--check]`.

Nothing is run: the edits are made in projects whose results are empty files, and the plan is asked.
"""

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import get_args

import contract
import examined_project
import own_project
import relations_project
import sound_project
import stages_project
import text_project
import warm_project
from project import ROOT, Project, Run
from row import Base, Row

from workflow_lib.config.yaml_file import read_mapping
from workflow_lib.plan import targets
from workflow_lib.plan.jobs import PlannedJob, upstream
from workflow_lib.plan.load import load_plan

PAGE = ROOT / "docs" / "appendix" / "contract.md"
BEGIN, END = "<!-- the contract: written by make docs -->", "<!-- end of the contract -->"
REPAIR = "run make docs"

KINDS = {
    "prepare_dataset": "dataset",
    "unite_datasets": "union",
    "transform_dataset": "transformed dataset",
    "encode_texts": "encoded texts",
    "import_features": "given features",
    "check_network": "network check",
    "check_examined": "check of an examined dataset",
    "train_interval": "training",
    "import_weights": "loaded network",
    "extract_features": "extraction",
    "compute_kstar": "k\\*",
    "approximate_kstar": "approximate k\\*",
    "compute_map": "map",
    "count_neighbours": "neighbours",
    "make_prototypes": "prototypes",
    "compute_dissimilarity": "C and R",
    "attack_prototypes": "adversarial images",
    "find_boundaries": "boundaries",
    "tabulate_prototypes": "tables of prototypes",
    "tabulate_boundaries": "tables of boundaries",
    "train_replicates": "trainings of a pair",
    "collect_confusion": "all counts",
    "tabulate_confusion": "tables of confusion",
    "tabulate_relations": "tables of relations",
    "tabulate_kstar": "tables",
    "collect_kstar": "all k\\*",
    "render_tables": "page",
}
"""What a job of a verb is called in the tables; a verb that is not here is called by its own name."""


class PlannedProject(Project):
    """A project in which nothing runs."""

    def snakemake(self, *arguments: str) -> Run:
        return Run(0, "", {"pretended"}, set())

    def jobs(self, stages: str = "") -> list[PlannedJob]:
        """The jobs that plain `snakemake`, or some of its stages or files, needs."""
        with contextlib.chdir(self.folder):
            plan = load_plan(read_mapping(Path("config.yaml")), ["config.yaml"])
            known = {target: targets.paths(plan, target) for target in targets.TARGETS}
            asked = [path for stage in stages.split() for path in known.get(stage, [stage])]
            return upstream(plan, asked or targets.default(plan))


def base_projects(folder: Path) -> dict[Base, PlannedProject]:
    """All projects of the rows, with an empty file in place of every result."""
    (folder / "weights.pt").touch()
    own_project.fresh(folder / "own", folder / "weights.pt")
    examined_project.fresh(folder / "examined")
    relations_project.fresh(folder / "relations")
    sound_project.fresh(folder / "sound")
    stages_project.fresh(folder / "stages")
    text_project.fresh(folder / "text")
    warm_project.fresh(folder / "warm")
    bases: dict[Base, PlannedProject] = {base: PlannedProject(folder / base) for base in get_args(Base)}
    hidden = [*(f"results/{name}/file" for name in ("logs", "benchmarks", "provenance", ".cache")), ".snakemake/file"]
    for project in bases.values():
        for path in [*(path for job in project.jobs() for path in job.makes), *hidden]:
            file = project.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
    return bases


@contextlib.contextmanager
def edited(base: Project, folder: Path) -> Iterator[PlannedProject]:
    """A copy of a project that may be edited; it is put right again, which is faster than another copy."""
    if not folder.exists():
        shutil.copytree(base.folder, folder)
    yield PlannedProject(folder)
    wanted, found = _stamps(base.folder), _stamps(folder)
    for name in found.keys() - wanted.keys():
        (folder / name).unlink()
    for name in (name for name in wanted if found.get(name) != wanted[name]):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(base.folder / name, folder / name)


def _stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file."""
    files = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
    return {str(file.relative_to(folder)): (file.stat().st_size, file.stat().st_mtime_ns) for file in files}


def table_line(row: Row, base: Project, folder: Path) -> str:
    """The row as a line of the table."""
    with edited(base, folder / row.base) as project:
        row.edit(project)
        jobs = [job.name for job in project.jobs(row.stages)]
    starts, computes, _ = row.jobs(jobs)
    started, computed = counted(starts, jobs), "all of these" if computes == starts else counted(computes, jobs)
    stage = f"`snakemake {row.stages}`: " if starts and row.stages else ""
    reason = f": {row.because}" if row.because else ""
    return f"| {row.name} | {stage}{started} | {computed if starts else 'nothing'}{reason} |"


def counted(chosen: Collection[str], jobs: Sequence[str]) -> str:
    """How many jobs there are of each kind, in the order in which data flow."""
    if len(chosen) in (0, len(jobs)):
        return f"all {len(jobs)} jobs" if chosen else "nothing"
    verbs = (name.partition("/")[0] for name in chosen)
    counts = Counter("figure" if verb.startswith("draw_") else KINDS.get(verb, verb) for verb in verbs)
    order = [kind for kind in dict.fromkeys([*KINDS.values(), *sorted(counts)]) if kind in counts]
    return ", ".join(f"{counts[kind]} × {kind}" for kind in order)


def section() -> str:
    """The generated part of the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bases = base_projects(folder)
        lines = []
        for heading, rows in contract.SECTIONS.items():
            lines += ["", f"| {heading} | Snakemake starts | computed |", "|---|---|---|"]
            lines += [table_line(row, bases[row.base], folder / "copies") for row in rows]
        sizes = {base: len(project.jobs()) for base, project in bases.items()}
    return "\n".join([INTRODUCTION.format(rows=len(contract.cases()), **sizes), *lines, ""])


INTRODUCTION = """
Each of these {rows} edits is tried by the tests: the miniature study ({miniature} jobs), a small one with data and
functions of a user's own ({own} jobs), one of models on other data ({examined} jobs), one of stages on growing data
({stages} jobs), one of prototypes with a warm start ({warm} jobs), one of relations between classes ({relations} jobs),
one of sounds ({sound} jobs), or one of texts and a table ({text} jobs) is run to its end, edited, and run again. Just
these jobs must be started, and just these of them computed; the others are restored from the cache. Then the results of
all jobs that were not started, and all results at all if nothing was computed, must have the bytes that they had, and
one more call must start nothing. Where a stage is named, such as `snakemake kstar`, only that was asked for; an
extraction makes the features of all layers, a figure is one of violins, trends, maps or neighbours."""


def with_section(page: str) -> str:
    """The page with the table as it is now.

    Raises:
        ValueError: the page lacks the marks between which the table stands.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name} lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{section()}\n{END}{after}"


def main(arguments: Sequence[str]) -> int:
    """Write the table, or with --check say whether it is as it should be."""
    parser = argparse.ArgumentParser(prog="contract_page.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; end with 1 when the page differs")
    check = parser.parse_args(arguments).check
    page = PAGE.read_text()
    wanted = with_section(page)
    if check and page != wanted:
        print(f"{PAGE.relative_to(ROOT)} is not what the rows of the contract say: {REPAIR}", file=sys.stderr)
        return 1
    if page != wanted:
        PAGE.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
