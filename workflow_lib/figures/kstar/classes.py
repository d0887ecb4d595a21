"""Which classes the figures of k* show."""

from collections.abc import Sequence

import pandas as pd

from workflow_lib.figures.selection import FEWER_CLASSES, choose_classes
from workflow_lib.figures.style import SHOWN_CLASSES, class_names


def written_names(summary: pd.DataFrame) -> dict[str, str]:
    """Name of each class as figures write it, from all rows of a study with class_name and label."""
    rows = summary.drop_duplicates("class_name").sort_values("label", kind="stable")
    return class_names(dict(zip(rows["class_name"], rows["label"], strict=True)))


def choose_by_dataset(summary: pd.DataFrame, wanted: Sequence[str] | None) -> tuple[dict[str, list[str]], str]:
    """Names of the classes to show of each dataset of a study, as `choose_by_skewness` does, and a note on the choice.

    Datasets with the same classes share a choice. Where classes differ, each dataset shows its own: those that are
    wanted, or if it has none of them, all up to twenty, else ten.

    Args:
        summary: rows with dataset, class_name, label and skewness.
        wanted: names chosen by the user, or None.

    Raises:
        UserError: `wanted` names a class that no dataset has.
    """
    sets: dict[frozenset[str], list[str]] = {}
    for dataset, column in summary.groupby("dataset", sort=False)["class_name"]:
        sets.setdefault(frozenset(column), []).append(str(dataset))
    of_all = choose_by_skewness(summary, wanted)
    if len(sets) == 1:
        return dict.fromkeys(next(iter(sets.values())), of_all[0]), of_all[1]
    chosen, notes = dict[str, list[str]](), []
    for known, datasets in sets.items():
        own = [name for name in wanted or () if name in known]
        names, note = choose_by_skewness(summary[summary["dataset"].isin(datasets)], own or None, fewer=FEWER_CLASSES)
        chosen |= dict.fromkeys(datasets, names)
        notes += [f"{', '.join(datasets)}: {note}"] if note else []
    return chosen, " ".join(notes)


def choose_by_skewness(
    summary: pd.DataFrame, wanted: Sequence[str] | None, fewer: int = SHOWN_CLASSES
) -> tuple[list[str], str]:
    """Names of at most twenty classes, in the order of their labels or of `wanted`, and a note on the choice.

    Args:
        summary: rows with class_name, label and skewness.
        wanted: names chosen by the user; None: all up to twenty, else `fewer` that are evenly spread over the range of
            mean skewness.
        fewer: number of classes shown if there are more than twenty.

    Raises:
        UserError: `wanted` names a class that the study does not have.
    """
    means = summary.groupby("class_name", sort=False).agg(label=("label", "first"), skewness=("skewness", "mean"))
    skewness = means.sort_values("label", kind="stable")["skewness"]
    return choose_classes(list(skewness.index), wanted, section="kstar", fewer=fewer, ranking=skewness)
