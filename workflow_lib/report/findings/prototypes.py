"""What the tables of a prototype study say: C against R, what training changes, alike classes, and convergence."""

from collections.abc import Iterator

import pandas as pd

from workflow_lib.intervals import readings, share
from workflow_lib.report.findings import Finding, Tables, not_tested, records
from workflow_lib.report.words import between, counted, equals, listed, number, p_value, percent

SET = ["model", "seed", "interval", "initialisation"]
FEWEST_SETS = 2
"""With fewer sets, nothing can be said about a change."""
FARTHER = "Images driven to different classes end farther apart than images driven to the same class"
CLOSER = "Images driven to different classes end closer together than images driven to the same class"


def findings(tables: Tables) -> list[Finding]:
    """C against R, their change over the training, the classes that are most alike, and that all images converged."""
    found: list[Finding] = []
    if "tests" in tables:
        found += _contrast(tables["tests"])
    if "sets" in tables:
        found += _change(tables["sets"])
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
            f"{row['model'] + ': ' if several else ''}C {number(row['C'])}, R {number(row['R'])}, difference "
            f"{number(row['difference'])} ({between(row['ci_low'], row['ci_high'])}; {equals('t', row['t'])}, "
            f"{p_value(row['p'])}, {equals('n', row['classes'])} classes)"
            for row in records(sure)
        ]
        where = f" in {listed(sure['model'])}" if len(sure) < len(rows) else ""
        evidence = f"Mean dissimilarity (1 − cosine similarity) at the end of the training. {'; '.join(parts)}."
        yield Finding(f"{words}{where}.", evidence, "tests")


def _change(sets: pd.DataFrame) -> Iterator[Finding]:
    """C and R from the first to the last interval, where all sets of a network agree on the direction."""
    ways: dict[tuple[str, str], list[str]] = {}
    numbers: dict[str, list[str]] = {}
    for key, part in _first_layer(sets).groupby(["model", "tensor"], sort=False):
        model, tensor = map(str, key)
        ends = part["interval"].min(), part["interval"].max()
        first, last = (part[part["interval"] == end].set_index(["seed", "initialisation"])["mean"] for end in ends)
        steps = (last - first).dropna()
        if len(steps) < FEWEST_SETS or not ((steps > 0).all() or (steps < 0).all()):
            continue
        ways.setdefault((tensor, "rises" if steps.iloc[0] > 0 else "falls"), []).append(model)
        agreed = "both sets" if len(steps) == 2 else f"all {len(steps)} sets"
        text = f"{tensor} {number(first.mean())} → {number(last.mean())} in {agreed}"
        numbers.setdefault(model, []).append(text)
    if not ways:
        return
    several = sets["model"].nunique()
    parts = [
        f"{tensor} {way}{f' in {listed(models)}' if len(models) < several else ''}"
        for (tensor, way), models in ways.items()
    ]
    low, high = (share(end, readings(sets)) for end in (sets["interval"].min(), sets["interval"].max()))
    texts = [f"{f'{model}: ' if several > 1 else ''}{', '.join(found)}" for model, found in numbers.items()]
    evidence = f"{'; '.join(texts)}. Sets of the same network depend on each other, so there is no interval."
    yield Finding(f"From {low.partition(' of ')[0]} to {high}, {listed(parts)}.", evidence, "sets")


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
        yield Finding(f"Images end most alike when driven to {listed(named)}.", evidence, "pairs")
