"""Words on a rank correlation, for titles of panels and notes."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from workflow_lib.figures.style import signed


def words(row: Mapping[Any, Any]) -> str:
    """Correlation, interval and number: `rho`, `rho_low`, `rho_high` and `n` of a row; without what is NaN."""
    if pd.isna(row["rho"]):
        return f"ρ is not defined, n = {row['n']:,.0f}"
    interval = "" if pd.isna(row["rho_low"]) else f" [{signed(row['rho_low'])}, {signed(row['rho_high'])}]"
    return f"ρ = {signed(row['rho'])}{interval}, n = {row['n']:,.0f}"
