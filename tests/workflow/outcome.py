"""What the proofs share: a case that is run on a copy of the finished miniature, and how it went."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from project import Project


@dataclass(frozen=True)
class Outcome:
    """How one case went.

    Attributes:
        name: of the case.
        exact: whether everything was as it must be.
        summary: what happened, in a few words with counts.
        difference: what was not as it must be, a line each; empty when exact.
    """

    name: str
    exact: bool
    summary: str
    difference: str


class Case(Protocol):
    """Something that is done to a copy of the finished miniature, with one right outcome."""

    @property
    def name(self) -> str:
        """What is done, in the words of a user."""
        ...

    def run(self, finished: Project, folder: Path) -> Outcome:
        """Do it in a copy below `folder`, which is empty; `finished` is only read."""
        ...
