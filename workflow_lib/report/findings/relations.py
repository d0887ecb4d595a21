"""What the tables of a study of relations say: which measures of two methods go together."""

from itertools import combinations

import pandas as pd

from workflow_lib.report.findings import LEVEL, Finding, Tables, not_tested, records
from workflow_lib.report.words import counted, equals, p_value, verb

NAMES = {"kstar": "k*", "prototypes": "prototypes", "confusion": "confusion"}


def findings(tables: Tables) -> list[Finding]:
    """For each two methods, how many of their measures correlate, and the strongest correlation."""
    if "correlations" not in tables or "measures" not in tables:
        return []
    method = tables["measures"].set_index("measure")["method"]
    rows = tables["correlations"].dropna(subset=["rho", "p_adjusted"])
    found = []
    for pair in combinations(dict.fromkeys(method), 2):
        of_pair = [{method[row["measure"]], method[row["other"]]} == {*pair} for row in records(rows)]
        if any(of_pair):
            found.append(_between(NAMES[pair[0]], NAMES[pair[1]], rows[of_pair], tables["measures"]))
    return found


def troubles(tables: Tables) -> list[Finding]:
    """Correlations that are not defined."""
    if "correlations" not in tables:
        return []
    return not_tested(tables["correlations"], "rho", "correlation", "correlations")


def _between(one: str, two: str, rows: pd.DataFrame, measures: pd.DataFrame) -> Finding:
    """What the correlations of the measures of two methods say."""
    sure = rows[rows["p_adjusted"] < LEVEL]
    meaning = measures.set_index("measure")["meaning"]
    row = max(records(rows if sure.empty else sure), key=lambda row: abs(row["rho"]))
    evidence = (
        f"{row['measure']} ({meaning[row['measure']]}) and {row['other']} ({meaning[row['other']]}): Spearman's "
        f"{equals('ρ', row['rho'])}, {p_value(row['p_adjusted'], 'adjusted p')} by {row['orders']:,} orders of the "
        f"classes, {equals('n', row['n'])} {row['pairs']} pairs of classes."
    )
    of = f"{counted(len(rows), 'correlation')} between measures of {one} and of {two}"
    claim = f"{len(sure) or 'None'} of {of} {verb(max(len(sure), 1), 'is', 'are')} distinguishable from chance."
    return Finding(claim, f"The strongest: {evidence}", "correlations")
