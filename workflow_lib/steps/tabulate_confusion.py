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
    """Write the tables of `confusion.effects`, `confusion.groups` and `confusion.tables`.

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
    table = effect_table(found)
    write_table(table, effects)
    write_table(group_table(table, spec["groups"], spec["permutations"], spec["seed"]), groups)
    write_table(tables.accuracy_table(found), runs)
    write_table(tables.mean_table(found), means)
    write_table(tables.pair_table(found), pairs)
    write_table(tables.matrix_table(found), shares)
    write_table(tables.curve_table(found), losses)
