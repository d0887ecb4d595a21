"""What the tables of a confusion study say: which effects are distinguishable from chance, groups, and the pairs."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workflow_lib.report.findings import LEVEL, Finding, Tables, not_tested, records
from workflow_lib.report.words import SPACE, between, counted, equals, number, p_value, percent, verb

STRONGEST = 3
DONE = {
    "swap": "With labels of two classes exchanged",
    "one_way": "With labels of one class given to another",
    "drop": "Without samples of two classes",
    "random": "With random labels in two classes",
}


def findings(tables: Tables) -> list[Finding]:
    """Effects on other classes, groups of classes, and what mistraining does to the pair itself."""
    found: list[Finding] = []
    if "effects" in tables and "pairs" in tables:
        found += _effects(tables["effects"], _seeds(tables["pairs"]))
    if "groups" in tables:
        found += _groups(tables["groups"])
    if "pairs" in tables:
        found += _own(tables["pairs"], _seeds(tables["pairs"]))
    return found


def troubles(tables: Tables) -> list[Finding]:
    """Trainings that diverged, and effects without a test."""
    found = []
    if "pairs" in tables and (count := int(tables["pairs"]["diverged"].sum())):
        pairs = tables["pairs"]
        worst = sorted(records(pairs[pairs["diverged"] > 0]), key=lambda row: -row["diverged"])[:STRONGEST]
        where = "; ".join(f"{row['pair']}: {row['diverged']} of {row['runs']}" for row in worst)
        total = counted(int(pairs["runs"].sum()), "training")
        claim = f"{count:,} of {total} diverged and {verb(count, 'is', 'are')} left out."
        found.append(Finding(claim, f"Most of them: {where}.", "pairs"))
    return [*found, *not_tested(_tested(tables["effects"]), "p", "effect", "effects")] if "effects" in tables else found


def _seeds(pairs: pd.DataFrame) -> str:
    return counted(int((pairs["runs"] - pairs["diverged"]).max()), "seed")


def _tested(effects: pd.DataFrame) -> pd.DataFrame:
    """The tests that count each pair once, because trainings of one pair are not independent."""
    return effects[(effects["reference"] == "otherwise") & (effects["unit"] == "pair")]


def _effects(effects: pd.DataFrame, seeds: str) -> Iterator[Finding]:
    rows = records(_tested(effects).dropna(subset=["p_adjusted"]).sort_values("p_adjusted", kind="stable"))
    if not rows:
        return
    sure = sorted((row for row in rows if row["p_adjusted"] < LEVEL), key=lambda row: -abs(row["t"]))
    how = f"{counted(len(rows), 'Welch test')}; a pair is one value, the mean of {seeds}"
    if not sure:
        claim = "No effect of mistraining one class on another can be distinguished from chance."
        yield Finding(claim, f"{how}. The smallest adjusted p: {_effect(rows[0])}.", "effects")
        return
    first, count = sure[0], len(sure)
    claim = (
        f"{count:,} of {counted(len(rows), 'effect')} of mistraining one class on another {verb(count, 'is', 'are')} "
        f"distinguishable from chance; the strongest: {first['target']} is recognised "
        f"{'better' if first['diff'] < 0 else 'worse'} when {first['confused']} is mistrained."
    )
    yield Finding(claim, f"{'; '.join(map(_effect, sure[:STRONGEST]))}. {how}.", "effects")


def _effect(row: Mapping[str, Any]) -> str:
    """One effect with its test; the difference is that of the mistrained to the other trainings."""
    return (
        f"{row['target']} when {row['confused']} is mistrained: accuracy {percent(row['accuracy_reference'])} → "
        f"{percent(row['accuracy_confused'])}, difference {number(-100 * row['diff'], 2)}{SPACE}points "
        f"({between(-100 * row['ci_high'], -100 * row['ci_low'])}), {equals('t', row['t'])}, "
        f"{p_value(row['p_adjusted'], 'adjusted p')}, {equals('n', row['n_reference'])} and {row['n_confused']} pairs"
    )


def _groups(groups: pd.DataFrame) -> Iterator[Finding]:
    """Whether classes of one group change each other's accuracy more than those of different groups."""
    rows = groups[(groups["reference"] == "otherwise") & (groups["measure"] == "bits_accuracy")]
    for row in records(rows.dropna(subset=["p"])):
        evidence = (
            f"{number(1000 * row['mean_within'])} millibits within groups ({row['n_within']} ordered pairs), "
            f"{number(1000 * row['mean_between'])} between ({row['n_between']}); {p_value(row['p'])} by "
            f"{row['permutations']:,} permutations of {row['n_classes']} classes."
        )
        if row["p"] < LEVEL:
            more = "more" if row["difference"] > 0 else "less"
            claim = f"Classes of one group ({row['groups']}) inform {more} about each other than about others."
        else:
            claim = (
                f"Whether classes are of one group ({row['groups']}) makes no difference distinguishable from chance."
            )
        yield Finding(claim, evidence, "groups")


def _own(pairs: pd.DataFrame, seeds: str) -> Iterator[Finding]:
    """What mistraining does to the accuracy of the two classes themselves, if it lowers it in every pair."""
    rows = pairs[pairs["pair"] != "baseline"].dropna(subset=["accuracy_own", "baseline_own"])
    own, before = rows["accuracy_own"], rows["baseline_own"]
    if rows.empty or not (own < before).all():
        return
    done = DONE[str(rows["mode"].iloc[0])]
    claim = f"{done}, their own accuracy falls from {percent(before.mean())} to {percent(own.mean())} on average."
    lowest, highest = percent(own.min()), percent(own.max())
    evidence = (
        f"It falls in all {counted(len(rows), 'pair')} (means of {seeds}), to {lowest} at least and {highest} at most."
    )
    yield Finding(claim, evidence, "pairs")
