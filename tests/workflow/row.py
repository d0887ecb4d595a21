"""One row of the re-run contract: an edit, and the exact jobs that follow from it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Literal

from project import Project

Base = Literal["miniature", "own"]
"""What is edited: the miniature study, or the small one of a user's own data and functions (own_project.py)."""

Patterns = tuple[str, ...]
"""Names of jobs with wildcards, such as `compute_kstar/*/cosine`; one that begins with ! takes jobs away again."""

STUDY_JOBS: Patterns = ("tabulate_kstar/*", "render_tables/*", "draw_*")


@dataclass(frozen=True)
class Row:
    """What a user does, and what Snakemake must do then: no job more, none less.

    Attributes:
        name: the edit in the words of a user.
        edit: does it to a copy of a finished project.
        starts: jobs that Snakemake starts.
        computes: those of them that are computed; the others are restored from the cache.
        because: why jobs are started that need not be computed.
        why: jobs that `latent-atlas why` names, where these are not all that are started.
        equal: whether all results are as before; None where just what is computed may differ.
        base: project that is edited.
        stages: targets that Snakemake is called with; none takes all tables and figures.
        flags: other arguments of this one call.
    """

    name: str
    edit: Callable[[Project], object]
    starts: Patterns = ()
    computes: Patterns = ()
    because: str = ""
    why: Patterns | None = None
    equal: bool | None = None
    base: Base = "miniature"
    stages: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


def matching(patterns: Patterns, jobs: Iterable[str]) -> set[str]:
    """The jobs that patterns name, read from left to right.

    Raises:
        ValueError: a pattern that matches no job, or takes none away: it would prove nothing.
    """
    names, found = set(jobs), set[str]()
    for pattern in patterns:
        away = pattern.startswith("!")
        hits = {name for name in names if fnmatchcase(name, pattern.removeprefix("!"))}
        if not hits & found if away else not hits - found:
            raise ValueError(f"the pattern {pattern!r} changes nothing in {patterns}")
        found = found - hits if away else found | hits
    return found
