"""What the tables of a prototype study say: C against R, what training changes, alike classes, and convergence."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workflow_lib.intervals import readings, share
from workflow_lib.report.findings import Finding, Tables, not_tested, records
from workflow_lib.report.words import between, counted, equals, listed, number, p_value, percent

SET = ["model", "seed", "interval", "initialisation"]
FARTHER = "Images driven to different classes end farther apart than images driven to the same class"
CLOSER = "Images driven to different classes end closer together than images driven to the same class"


def findings(tables: Tables) -> list[Finding]:
    """C against R, how their difference changes, the classes that are most alike, and whether all images converged."""
    found: list[Finding] = []
    if "tests" in tables:
        found += [*_contrast(tables["tests"]), *_change(tables["tests"])]
    if "pairs" in tables and "sets" in tables:
        found += _closest(tables["pairs"], tables["sets"])
    if "sets" in tables and not (once := tables["sets"].drop_duplicates(SET)).empty and not once["unconverged"].sum():
        over = f"Over {counted(len(once), 'set')} of class prototypes and intermediaries."
        found.append(Finding(f"All {counted(int(once['converged'].sum()), 'image')} converged.", over, "sets"))
    return found


def troubles(tables: Tables) -> list[Finding]:
    """Images that did not converge, and tests that are not defined."""
    found = list(_unconverged(tables["sets"])) if "sets" in tables else []
    return [*found, *not_tested(tables["tests"], "p", "test of C against R", "tests")] if "tests" in tables else found


def _first_layer(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the first layer of each model, without self entries."""
    rows = table[table["layer"] == table.groupby("model", sort=False)["layer"].transform("first")]
    return rows[~rows["include_self"].astype(bool)] if "include_self" in rows else rows


def _at_the_end(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the last interval of each model."""
    return table[table["interval"] == table.groupby("model", sort=False)["interval"].transform("max")]


def _unconverged(sets: pd.DataFrame) -> Iterator[Finding]:
    once = sets.drop_duplicates(SET)
    count = int(once["unconverged"].sum())
    if not count:
        return
    total = count + int(once["converged"].sum())
    sums = records(once.groupby(["model", "interval"], sort=False)["unconverged"].sum().reset_index())
    worst = sorted((row for row in sums if row["unconverged"]), key=lambda row: -row["unconverged"])
    where = [f"{row['unconverged']:,} of {row['model']} at {share(row['interval'], readings(sets))}" for row in worst]
    kept = set(once["unconverged_entries"]) == {"keep"}
    used = "They are kept in all statistics." if kept else "They are hatched in figures and left out of statistics."
    claim = f"{count:,} of {counted(total, 'image')} ({percent(count / total)}) did not converge within the step limit."
    yield Finding(claim, f"{used} By network: {listed(where)}.", "sets")


def _contrast(tests: pd.DataFrame) -> Iterator[Finding]:
    """Whether C and R certainly differ at the end of the training, by the paired test over classes."""
    rows = _at_the_end(_first_layer(tests))
    several = tests["model"].nunique() > 1
    for words, sure in ((FARTHER, rows[rows["ci_low"] > 0]), (CLOSER, rows[rows["ci_high"] < 0])):
        if sure.empty:
            continue
        parts = [
            f"{row['model'] + ': ' if several else ''}{_difference(row)}, {equals('t', row['t'])}, "
            f"{p_value(row['p'])}, {equals('n', row['classes'])} classes"
            for row in records(sure)
        ]
        where = f" in {listed(sure['model'])}" if len(sure) < len(rows) else ""
        evidence = f"Mean dissimilarity (1 − cosine similarity) at the end of the training. {'; '.join(parts)}."
        yield Finding(f"{words}{where}.", evidence, "tests")


def _change(tests: pd.DataFrame) -> Iterator[Finding]:
    """Whether the difference of C and R certainly changes from the first to the last interval of the training."""
    ways: dict[str, list[str]] = {}
    numbers = []
    for model, part in _first_layer(tests).groupby("model", sort=False):
        rows = records(part.sort_values("interval"))
        first, last = rows[0], rows[-1]
        if last["ci_low"] > first["ci_high"] or last["ci_high"] < first["ci_low"]:
            way = "grows" if last["difference"] > first["difference"] else "shrinks"
            ways.setdefault(way, []).append(str(model))
            ends = (f"at {share(row['interval'], readings(tests))} {_difference(row)}" for row in (first, last))
            numbers.append(f"{model}: {', '.join(ends)}")
    if ways:
        all_of_them = [*ways.values()] == [list(dict.fromkeys(tests["model"]))]
        parts = [f"{way}{'' if all_of_them else f' in {listed(models)}'}" for way, models in ways.items()]
        claim = f"Over the training, the difference of C and R {listed(parts)}."
        yield Finding(claim, f"The 95 % intervals do not overlap. {'; '.join(numbers)}.", "tests")


def _difference(row: Mapping[str, Any]) -> str:
    """C, R and their difference with its interval."""
    interval = between(row["ci_low"], row["ci_high"])
    return f"C {number(row['C'])}, R {number(row['R'])}, difference {number(row['difference'])} ({interval})"


def _closest(pairs: pd.DataFrame, sets: pd.DataFrame) -> Iterator[Finding]:
    """The two classes with the smallest C at the end of the training of each network, if they are only two."""
    rows = _at_the_end(_first_layer(pairs))
    rows = rows[(rows["tensor"] == "C") & (rows["class_a"] < rows["class_b"])].dropna(subset=["mean"])
    several = pairs["model"].nunique() > 1
    named, parts = [], []
    for model, part in rows.groupby("model", sort=False):
        ordered = records(part.sort_values("mean", kind="stable"))
        if len(ordered) < 3 or ordered[0]["mean"] == ordered[1]["mean"]:
            continue
        first, last = ordered[0], ordered[-1]
        count = len(_at_the_end(sets[sets["model"] == model]).drop_duplicates(SET))
        named.append(f"{first['class_a']} and {first['class_b']}{f' in {model}' if several else ''}")
        mean = number(part["mean"].mean())
        parts.append(
            f"{f'{model}: ' if several else ''}C {number(first['mean'])}, {mean} on average over "
            f"{len(part)} pairs, and {number(last['mean'])} for {last['class_a']} and {last['class_b']} "
            f"({counted(count, 'set')})"
        )
    if named:
        evidence = f"{'; '.join(parts)}. A single pair has no interval."
        claim = f"The two classes with the smallest C, whose images end most alike, are {listed(named)}."
        yield Finding(claim, evidence, "pairs")
