"""Which classes the figures of k* show."""

from collections.abc import Sequence

import pandas as pd

from workflow_lib.figures.selection import choose_classes
from workflow_lib.figures.style import SHOWN_CLASSES, class_names


def written_names(summary: pd.DataFrame) -> dict[str, str]:
    """Name of each class as figures write it, from all rows of a study with class_name and label."""
    rows = summary.drop_duplicates("class_name").sort_values("label", kind="stable")
    return class_names(dict(zip(rows["class_name"], rows["label"], strict=True)))


def choose_by_skewness(summary: pd.DataFrame, wanted: Sequence[str] | None) -> tuple[list[str], str]:
    """Names of at most twenty classes, in the order of their labels or of `wanted`, and a note on the choice.

    Args:
        summary: rows with class_name, label and skewness.
        wanted: names chosen by the user; None: all up to twenty, else twenty that are evenly spread over the range of
            mean skewness.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    means = summary.groupby("class_name", sort=False).agg(label=("label", "first"), skewness=("skewness", "mean"))
    skewness = means.sort_values("label", kind="stable")["skewness"]
    return choose_classes(list(skewness.index), wanted, section="kstar", fewer=SHOWN_CLASSES, ranking=skewness)
