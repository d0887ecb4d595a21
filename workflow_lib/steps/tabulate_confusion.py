"""Tables of a confusion study."""

from typing import Any

from workflow_lib.confusion import tables
from workflow_lib.confusion.effects import effect_table
from workflow_lib.confusion.groups import group_table
from workflow_lib.confusion.runs import read
from workflow_lib.io.storage import load, write_table
from workflow_lib.steps.roles import Input, Output


def tabulate_confusion(
    *,
    spec: dict[str, Any],
    counts: Input,
    effects: Output,
    groups: Output,
    runs: Output,
    means: Output,
    pairs: Output,
    shares: Output,
    losses: Output,
) -> None:
    """Write the tables of `confusion.effects`, `confusion.groups` and `confusion.tables`, each with a column `mode`.

    Args:
        spec: groups (names of classes by name of the group; may be empty), permutations, seed.
        counts: store of all runs.
        effects: CSV.
        groups: CSV.
        runs: CSV, accuracies of every run.
        means: CSV, accuracies over seeds.
        pairs: CSV.
        shares: CSV, mean confusion matrices.
        losses: CSV, learning curves.
    """
    found = read(load(counts))
    effect = effect_table(found)
    made = {
        effects: effect,
        groups: group_table(effect, spec["groups"], spec["permutations"], spec["seed"]),
        runs: tables.accuracy_table(found),
        means: tables.mean_table(found),
        pairs: tables.pair_table(found),
        shares: tables.matrix_table(found),
        losses: tables.curve_table(found),
    }
    for path, table in made.items():
        table.insert(0, "mode", found.mode)
        write_table(table, path)
