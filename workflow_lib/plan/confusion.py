"""Confusion studies: their trainings, files, tables and figures."""

import hashlib
import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from urllib.parse import quote

from workflow_lib.config.confusion import PairSample
from workflow_lib.config.fields import ALL
from workflow_lib.config.studies import ResolvedConfusion, resolve_confusion
from workflow_lib.io.braces import braces
from workflow_lib.names import BASELINE
from workflow_lib.plan.outputs import Files, Output, figure, table
from workflow_lib.plan.study import StudyPlan

LONGEST_NAME = 60
"""Longest class name in a path, in characters; in longer names a digest replaces the rest."""

BLOCK = 50
"""Most seeds of a pair in one job of the plan, all of which start if one is missing."""

OUTPUTS: Sequence[Output] = (
    Output(
        "collect_confusion",
        {"counts": "counts.zarr.zip"},
        inputs={"stores": lambda s: s.stores},
        spec=lambda s: {"pairs": s.written_pairs, "mode": s.settings.mode, "seeds": s.settings.seeds},
        content="counts of all runs",
        minutes=60,
    ),
    table(
        "tabulate_confusion",
        *("effects", "groups", "runs", "means", "pairs", "shares", "losses"),
        inputs={"counts": "counts.zarr.zip"},
        spec=lambda s: {"groups": s.settings.groups, "permutations": s.settings.permutations, "seed": 0},
        content="tables of effects, groups and runs",
        minutes=60,
    ),
    figure(
        "information",
        inputs={"effects": "effects.csv"},
        spec=lambda s: s.picture(mode=s.settings.mode, groups=s.settings.groups),
        content="information of one class about another",
    ),
    figure(
        "significance",
        inputs={"effects": "effects.csv"},
        spec=lambda s: s.picture(mode=s.settings.mode),
        content="effects of losing a class",
    ),
    figure(
        "accuracies",
        inputs={"means": "means.csv"},
        spec=lambda s: s.picture(mode=s.settings.mode),
        content="accuracy under each pair",
    ),
    figure(
        "matrices",
        inputs={"counts": "counts.zarr.zip", "pairs": "pairs.csv"},
        spec=lambda s: s.picture(mode=s.settings.mode, example_pair=s.settings.example_pair),
        content="mean confusion matrices",
    ),
    figure(
        "curves",
        inputs={"losses": "losses.csv"},
        spec=lambda s: s.picture(mode=s.settings.mode),
        content="learning curves",
    ),
)


class ConfusionPlan(StudyPlan):
    """The trainings of a study: one per seed, for the baseline and for each pair."""

    family = "confusion"
    all_outputs = OUTPUTS

    @cached_property
    def study(self) -> ResolvedConfusion:
        """The study with all defaults filled in."""
        return resolve_confusion(self.name, self.config)

    @cached_property
    def pairs(self) -> Mapping[str, tuple[str, ...]]:
        """Mistrained classes of each pair, by its name in paths; the baseline is first and has no classes."""
        ordered = self.settings.mode == "one_way"
        return {BASELINE: (), **{pair_name(*pair, ordered=ordered): pair for pair in self.study.pairs}}

    @property
    def written_pairs(self) -> object:
        """The pairs as short as the config gives them."""
        pairs = self.settings.pairs
        return pairs.model_dump() if isinstance(pairs, PairSample) else self.study.pairs if pairs else ALL

    def blocks(self, size: int) -> list[tuple[int, ...]]:
        """Seeds of each training job, at most `size` per job."""
        seeds = self.settings.seeds
        return [seeds[start : start + size] for start in range(0, len(seeds), size)]

    @property
    def stages(self) -> Mapping[str, list[Files]]:
        """Results of all trainings, as the target `confusion`."""
        return {"confusion": [self.stores]}

    @property
    def stores(self) -> Files:
        """Results of all trainings, pair by pair."""
        folder, seeds = f"{self.results}/confusion/{self.name}", braces(self.settings.seeds)
        return Files([f"{folder}/{pair}/seed-{seeds}.zarr.zip" for pair in self._patterns()])

    def _patterns(self) -> Iterator[str]:
        """Brace patterns for the names of the pairs: one pattern per first class."""
        yield BASELINE
        split = [name.rpartition("+") for name in self.pairs if name != BASELINE]
        for first, names in itertools.groupby(split, key=lambda parts: parts[0]):
            yield f"{first}+{braces(second for *_, second in names)}"


def pair_name(first: str, second: str, *, ordered: bool = False) -> str:
    """Name of a pair of classes in paths, such as "cat+dog", or "cat+to+dog" if the order counts."""
    return f"{_safe(first)}+{'to+' if ordered else ''}{_safe(second)}"


def _safe(name: str) -> str:
    """Encode a class name with letters, digits, "-", "_" and "%" codes, as in URLs, and limit its length."""
    safe = quote(name, safe="").replace(".", "%2E").replace("~", "%7E")
    if len(safe) <= LONGEST_NAME:
        return safe
    return f"{safe[:LONGEST_NAME]}~{hashlib.sha256(name.encode()).hexdigest()[:12]}"
