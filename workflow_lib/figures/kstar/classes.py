"""Which classes the figures of k* show."""

from collections.abc import Sequence

import pandas as pd

from workflow_lib.figures.selection import choose_classes
from workflow_lib.figures.style import SHOWN_CLASSES


def choose_by_skewness(summary: pd.DataFrame, wanted: Sequence[str] | None) -> tuple[list[str], str]:
    """Names of at most twenty classes, in the order of their labels or of `wanted`, and a sentence on the choice.

    Args:
        summary: rows with class_name, label and skewness; the mean skewness of a class counts.
        wanted: names chosen by the user; None: of more than twenty, those spread evenly over the range of skewness.

    Raises:
        UserError: names that no class bears.
    """
    means = summary.groupby("class_name", sort=False).agg(label=("label", "first"), skewness=("skewness", "mean"))
    skewness = means.sort_values("label", kind="stable")["skewness"]
    return choose_classes(list(skewness.index), wanted, section="kstar", fewer=SHOWN_CLASSES, ranking=skewness)
