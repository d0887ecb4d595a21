"""What the proofs share: a case, how it went, and the comparison with an undisturbed project."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from project import Project


class Outcome(NamedTuple):
    """How a case went: what happened, in a few words with counts, and all that was not as it must be."""

    summary: str
    wrong: list[str]


class Case(Protocol):
    """Something done to a copy of the finished miniature, with one right outcome."""

    @property
    def name(self) -> str:
        """What is done, in the words of a user."""
        ...

    def run(self, finished: Project, folder: Path) -> Outcome:
        """Do it in a copy below an empty folder; `finished` is only read."""
        ...


def misfits(project: Project, whole: Mapping[str, bytes], aside: bool = False) -> list[str]:
    """All that is other than in an undisturbed project, or half written.

    Args:
        project: after its last run.
        whole: bytes of every artifact of the undisturbed project.
        aside: whether damaged files may have been put aside.
    """
    found = {path: data for path, data in project.results().items() if not (aside and path.endswith(".damaged"))}
    other = {path for path in whole if found.get(path) != whole[path]}
    return [
        *(f"{path} is {'other' if path in found else 'missing'}" for path in sorted(other)),
        *(f"{path} is new" for path in sorted(found.keys() - whole.keys())),
        *(f"left behind: {path}" for path in half_written(project)),
    ]


def half_written(project: Project) -> list[Path]:
    """Scratch folders of jobs, files of runs, and whatever is hidden."""
    results = project.folder / "results"
    hidden = [path for path in results.rglob(".*") if path.name not in (".cache", ".scratch", ".runs")]
    return [*(results / ".scratch").glob("*"), *(results / ".runs").glob("*"), *hidden]
