"""Sentences that the tables of a study support, and what its tables say did not work.

Each family of studies has a module with two functions of its tables: `findings` and `troubles`. A finding that its
interval, its test or the seeds do not support is left out.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

MOST = 4
"""Most findings of a study."""
LEVEL = 0.05
"""Adjusted p values below this one count as distinguishable from chance."""


READ = {
    "kstar": ("classes", "trend"),
    "prototypes": ("sets", "tests", "pairs"),
    "confusion": ("effects", "groups", "pairs"),
    "relations": ("correlations", "measures"),
}
"""Tables that the findings of each family are made from."""


class Finding(NamedTuple):
    """A sentence about a study.

    Attributes:
        claim: what was found, one sentence.
        evidence: the numbers behind it, with n and their uncertainty.
        table: name of the table in which they are.
    """

    claim: str
    evidence: str
    table: str


Tables = Mapping[str, "pd.DataFrame"]
"""The tables of a study that exist, by name."""


def of_study(family: str, tables: Tables, unit: str) -> tuple[Sequence[Finding], Sequence[Finding]]:
    """Findings of a study, at most `MOST`, and its troubles.

    There are none of a family without a module here, or if a table of an earlier version lacks a column.

    Args:
        family: of the study.
        tables: those of `READ` that exist.
        unit: what a sample is, in the plural, such as "images".
    """
    from workflow_lib.report.findings import confusion, kstar, prototypes, relations

    others = {"prototypes": prototypes, "confusion": confusion, "relations": relations}
    try:
        if family == "kstar":
            return kstar.findings(tables, unit)[:MOST], kstar.troubles(tables, unit)
        return others[family].findings(tables)[:MOST], others[family].troubles(tables)
    except (LookupError, TypeError, ValueError):
        return [], []


def records(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """Rows of a table."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def not_tested(table: "pd.DataFrame", value: str, what: str, name: str) -> list[Finding]:
    """Rows without a value, by the reason in the column `undefined`."""
    from workflow_lib.report.words import counted, verb

    missing = table[table[value].isna()]
    return [
        Finding(f"{counted(len(part), what)} {verb(len(part), 'is', 'are')} not defined.", f"Reason: {reason}.", name)
        for reason, part in missing.groupby("undefined", sort=False)
    ]
