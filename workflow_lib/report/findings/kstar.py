"""What the tables of a k* study say: patterns of classes, how k* changes, and whether it goes with accuracy."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from workflow_lib.intervals import readings, share
from workflow_lib.names import CERTAIN, ORIGINAL
from workflow_lib.points import varying
from workflow_lib.report.findings import Finding, Tables, records
from workflow_lib.report.words import between, counted, equals, listed, number, verb

PATTERNS = ("Fractured", "Overlapped", "Clustered")
AT = ("layer", "interval", "model", "dataset", "split", "transform", "metric")
"""Dimensions of a point without the seed, in the order of a sentence: seeds are looked at together."""
ORDERED = ("interval", "layer")
"""Dimensions along which a first and a last value are compared; of others, two values."""
INTO = {"layer": "in", "interval": "at", "model": "in", "dataset": "on", "split": "on", "metric": "by"}


def findings(tables: Tables, unit: str) -> list[Finding]:
    """Changes over what the study varies, patterns, the fractured classes, and correlations with accuracy.

    Args:
        tables: classes and trend.
        unit: what a sample is, in the plural.
    """
    if "classes" not in tables or tables["classes"].empty:
        return []
    classes = tables["classes"]
    at = _shown(classes)
    here, place = _rows(classes, at), _place(classes, at)
    changes = list(_changes(classes, at))
    found = [*changes[:1], *_patterns(here, place, unit), *_fractured(here, place, unit), *changes[1:]]
    return [*found, *_correlations(tables["trend"], classes)] if "trend" in tables else found


def troubles(tables: Tables, unit: str) -> list[Finding]:
    """Samples without k*, approximate values that are lower bounds, and classes without a pattern."""
    if "classes" not in tables:
        return []
    classes = tables["classes"]
    found = []
    for column, what in (
        ("left_out", "values of k* are not defined, and left out"),
        ("censored", "values of k* are only lower bounds, because k* is approximate"),
    ):
        if count := int(classes[column].sum()):
            names = listed(dict.fromkeys(classes.loc[classes[column] > 0, "class_name"]))
            evidence = f"Of {classes['n'].sum():,} values at all points of the study. Classes: {names}."
            found.append(Finding(f"{count:,} {what}.", evidence, "classes"))
    undefined = classes[~classes["pattern"].isin(PATTERNS)]
    if count := len(undefined):
        names = listed(dict.fromkeys(undefined["class_name"]))
        claim = f"{count:,} of {counted(len(classes), 'row')} {verb(count, 'has', 'have')} no pattern."
        why = "The skewness is not defined where all values are equal, or where bounds of k* allow several patterns."
        found.append(Finding(claim, f"{why} Classes: {names}.", "classes"))
    return found


def _shown(classes: pd.DataFrame) -> dict[str, Any]:
    """The point that is described: the last interval and layer, the unchanged test samples, otherwise what is first."""
    at: dict[str, Any] = {}
    rows = classes
    for dimension in ("model", "dataset", "interval", "split", "transform", "layer", "metric"):
        values = list(dict.fromkeys(rows[dimension]))
        preferred = {"interval": values[-1], "layer": values[-1], "split": "test", "transform": ORIGINAL}
        at[dimension] = preferred[dimension] if preferred.get(dimension) in values else values[0]
        rows = rows[rows[dimension] == at[dimension]]
    return at


def _rows(classes: pd.DataFrame, at: Mapping[str, Any]) -> pd.DataFrame:
    """Rows at these values, of all seeds."""
    mask = pd.Series(True, index=classes.index)
    for dimension, value in at.items():
        mask &= classes[dimension] == value
    return classes[mask]


def _place(classes: pd.DataFrame, at: Mapping[str, Any], without: str = "") -> str:
    """Where a point lies in a study, such as "in layer logits, at 100 % of training"; "" if the study has only one."""
    several = varying(records(classes[[*AT, "seed"]].drop_duplicates()))
    shown = [dimension for dimension in AT if dimension in several and dimension != without]
    return ", ".join(f"{INTO.get(name, 'with')} {_value(classes, name, at[name])}" for name in shown)


def _value(classes: pd.DataFrame, dimension: str, value: Any) -> str:
    """A value of a dimension in words."""
    if dimension == "interval":
        return share(value, readings(classes))
    if dimension == "metric":
        return f"{value} distance"
    return f"the {value} split" if dimension == "split" else f"{dimension} {value}"


def _networks(rows: pd.DataFrame) -> str:
    """In how many networks something holds."""
    count = rows["seed"].nunique()
    return f"in each of {count} networks (seeds)" if count > 1 else "in one network (seed)"


def _samples(rows: pd.DataFrame, unit: str) -> str:
    """The samples of these rows, such as "test images"."""
    return {"test": f"test {unit}", "train": f"training {unit}"}.get(rows["split"].iloc[0], unit)


def _certain(rows: pd.DataFrame) -> dict[str, str]:
    """Pattern of each class that certainly has it in every seed.

    That is, in at least 95 % of its resamples; and the 95 % interval of the skewness of a Fractured or Clustered class,
    which can be wider than the resamples, has the sign of the pattern.
    """
    signs = {"Fractured": rows["skewness_low"] > 0, "Clustered": rows["skewness_high"] < 0}
    sure = rows["pattern_share"] >= CERTAIN
    for pattern, sign in signs.items():
        sure &= sign | (rows["pattern"] != pattern)
    found: dict[str, str] = {}
    for name, part in rows.groupby("class_name", sort=False):
        patterns = set(part["pattern"])
        if len(patterns) == 1 and patterns <= {*PATTERNS} and sure[part.index].all():
            found[str(name)] = patterns.pop()
    return found


def _patterns(rows: pd.DataFrame, place: str, unit: str) -> Iterator[Finding]:
    """How many classes certainly have each pattern."""
    certain, total = _certain(rows), rows["class_name"].nunique()
    if not certain:
        return
    counts = {pattern: list(certain.values()).count(pattern) for pattern in PATTERNS}
    parts = [f"{count} {verb(count, 'is', 'are')} {pattern}" for pattern, count in counts.items() if count]
    rest = f"; the pattern of {total - len(certain)} is not certain" if total > len(certain) else ""
    where = ", ".join(filter(None, [place, _networks(rows)]))
    evidence = (
        f"{where[:1].upper()}{where[1:]}: in at least 95 % of the resamples of {_samples(rows, unit)}, and the 95 % "
        "interval of the skewness of Fractured and Clustered classes does not contain 0."
    )
    yield Finding(f"Of {counted(total, 'class', 'classes')}, {listed(parts)}{rest}.", evidence, "classes")


def _fractured(rows: pd.DataFrame, place: str, unit: str) -> Iterator[Finding]:
    """The classes that are certainly Fractured; which is most so if its intervals lie above those of the others."""
    names = [name for name, pattern in _certain(rows).items() if pattern == "Fractured"]
    if not names:
        return
    skewness = rows[rows["class_name"].isin(names)].groupby("class_name", sort=False)["skewness"].mean()
    first, *others = map(str, skewness.sort_values(ascending=False, kind="stable").index)
    top, rest = rows[rows["class_name"] == first], rows[rows["class_name"].isin(others)]
    highest = rest.groupby("seed")["skewness_high"].max()
    if not others:
        claim = f"Class {first} is the only one that is certainly Fractured."
    elif all(row["skewness_low"] > highest.get(row["seed"], float("inf")) for row in records(top)):
        claim = f"{len(names)} classes are certainly Fractured, and {first} is the most fractured of them."
    else:
        claim = f"{len(names)} classes are certainly Fractured: {listed([first, *others])}."
    row, *seeds = records(top)
    seed = f", seed {row['seed']}" if seeds else ""
    which = " ".join(filter(None, [f"of class {first}" if others else "", place]))
    evidence = (
        f"Mean k* {which}{seed}: {number(row['mean'])} "
        f"({between(row['mean_low'], row['mean_high'])}), skewness {number(row['skewness'])} "
        f"({between(row['skewness_low'], row['skewness_high'])}), {equals('n', row['n'])} {_samples(rows, unit)}."
    )
    more = f" Mean in the other seeds: {listed(number(other['mean']) for other in seeds)}." if seeds else ""
    yield Finding(claim, evidence + more, "classes")


def _changes(classes: pd.DataFrame, at: Mapping[str, Any]) -> Iterator[Finding]:
    """In how many classes the mean of k* certainly changes between two values of what the study varies."""
    for dimension in (*ORDERED, *(name for name in AT if name not in ORDERED)):
        rows = _rows(classes, {key: value for key, value in at.items() if key != dimension})
        values = list(dict.fromkeys(rows[dimension]))
        if len(values) < 2 or (len(values) > 2 and dimension not in ORDERED):
            continue
        ends = [rows[rows[dimension] == value].set_index(["seed", "class_name"]) for value in (values[0], values[-1])]
        both = ends[0].index.intersection(ends[1].index)
        before, after = (end.loc[both] for end in ends)
        higher, lower = after["mean_low"] > before["mean_high"], after["mean_high"] < before["mean_low"]
        up, down = (int(way.groupby(level="class_name").all().sum()) for way in (higher, lower))
        if up + down == 0:
            continue
        total = both.get_level_values("class_name").nunique()
        start, end = (_value(classes, dimension, value) for value in (values[0], values[-1]))
        start = start.partition(" of ")[0] if dimension == "interval" else start
        counts = [
            f"{way} in {'all ' if count == total else ''}{count}"
            for way, count in (("rises", up), ("falls", down))
            if count
        ]
        rest = total - up - down
        claim = f"From {start} to {end}, the mean k* {listed(counts)}{f' of {total}' if up != total else ''} classes"
        claim += f"; for {rest} the change is not certain." if rest else "."
        where = ", ".join(filter(None, [_networks(rows), _place(classes, at, without=dimension)]))
        means = f"{number(before['mean'].mean())} and {number(after['mean'].mean())}"
        evidence = f"Counted where the two 95 % intervals do not overlap, {where}. Mean over all classes: {means}."
        yield Finding(claim, evidence, "classes")


def _correlations(trend: pd.DataFrame, classes: pd.DataFrame) -> Iterator[Finding]:
    """Rank correlations whose interval does not contain 0: with the strength of transforms, then accuracy with k*."""
    sure = records(trend[(trend["rho_low"] > 0) | (trend["rho_high"] < 0)])
    networks = counted(len(classes[["model", "seed"]].drop_duplicates()), "network")
    for row in sorted(sure, key=lambda row: row["against"] != "strength"):
        rises = row["rho"] > 0
        if row["against"] == "strength":
            value = "accuracy" if row["value"] == "accuracy" else f"{row['value']} of k*"
            claim = f"With more {row['scale']}, the {value} {'rises' if rises else 'falls'}."
        elif row["against"] == "mean":
            claim = f"Over all rows, classes with a higher mean k* are recognised {'more' if rises else 'less'} often."
        else:
            continue  # the skewness goes with the mean
        evidence = (
            f"Spearman's {equals('ρ', row['rho'])} ({between(row['rho_low'], row['rho_high'])}), "
            f"{equals('n', row['n'])} rows, a class at a point each. "
        )
        if row["resampled"] == "networks":
            yield Finding(claim, f"{evidence}The interval comes from draws of {networks}.", "trend")
        else:
            narrow = f"The rows are of {networks} and depend on each other, so the interval is too narrow."
            yield Finding(f"A hint: {claim[:1].lower()}{claim[1:]}", evidence + narrow, "trend")
