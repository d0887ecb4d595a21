"""One study of confused classes as the jobs see it: its trainings, and where their results lie."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from workflow_lib.config.studies import ResolvedConfusion
from workflow_lib.names import BASELINE
from workflow_lib.plan.kstar import Files
from workflow_lib.runner.braces import braces

LONGEST_NAME = 60
"""Characters of a class name in a path; the rest of a longer one is told by a digest."""
TABLES = ("effects", "groups", "runs", "means", "pairs", "shares", "losses")
FIGURES = {
    "information": ("effects",),
    "significance": ("effects",),
    "accuracies": ("means",),
    "matrices": ("counts", "pairs"),
    "curves": ("losses",),
}
"""Figures, each with what it is drawn from: tables, or the counts of all trainings."""


@dataclass(frozen=True)
class ConfusionPlan:
    """The trainings of a study: one for each seed of the baseline and of every pair.

    Attributes:
        name: of the study.
        study: what the config asks for.
        seeds_per_job: most trainings in one job; it shapes no result.
    """

    name: str
    study: ResolvedConfusion
    seeds_per_job: int

    @cached_property
    def pairs(self) -> Mapping[str, tuple[str, ...]]:
        """Classes that are confused, by the name of the pair in paths; none for the baseline, which comes first."""
        return {BASELINE: (), **{pair_name(*pair): pair for pair in self.study.pairs}}

    @property
    def seeds(self) -> tuple[int, ...]:
        """Seeds of every pair."""
        return self.study.settings.seeds

    @property
    def blocks(self) -> list[tuple[int, ...]]:
        """The seeds by the job that trains them."""
        starts = range(0, len(self.seeds), self.seeds_per_job)
        return [self.seeds[start : start + self.seeds_per_job] for start in starts]

    def block_of(self, seed: int) -> tuple[int, ...]:
        """Seeds that are trained together with this one."""
        return next(block for block in self.blocks if seed in block)

    @property
    def tables(self) -> list[str]:
        """Names of its tables."""
        return [*TABLES]

    @property
    def figures(self) -> list[str]:
        """Names of its figures."""
        return [*FIGURES]

    @property
    def stores(self) -> Files:
        """Results of all trainings, pair by pair."""
        seeds = braces(self.seeds)
        return Files([f"results/confusion/{self.name}/{pair}/seed-{seeds}.zarr.zip" for pair in self._patterns()])

    def _patterns(self) -> Iterator[str]:
        """Names of the pairs in short form: those of one first class together."""
        yield BASELINE
        split = [name.split("+") for name in self.pairs if name != BASELINE]
        for first, names in itertools.groupby(split, key=lambda parts: parts[0]):
            yield f"{first}+{braces(second for _, second in names)}"


def pair_name(first: str, second: str) -> str:
    """A pair of classes as part of a path, such as "cat+dog"."""
    return f"{_safe(first)}+{_safe(second)}"


def _safe(name: str) -> str:
    """A class name made of letters, digits, "-", "_" and "%" codes, as in web addresses, and of bounded length."""
    safe = quote(name, safe="").replace(".", "%2E").replace("~", "%7E")
    if len(safe) <= LONGEST_NAME:
        return safe
    return f"{safe[:LONGEST_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:12]}"
