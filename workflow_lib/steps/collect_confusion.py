"""All runs of a confusion study in one store."""

from typing import Any

from workflow_lib.confusion.collected import write
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Input, Output
from workflow_lib.storage import load


def collect_confusion(*, spec: dict[str, Any], stores: list[Input], counts: Output) -> None:
    """Write the store of all runs, as `confusion.collected.write` describes it.

    Args:
        spec: grids (one: pair, seed), classes (of each pair, by its name in paths: two names; none for the baseline).
        stores: of the runs, pair by pair, the seed varying fastest.
        counts: store.
    """
    (grid,) = spec["grids"]
    write(counts, grid["pair"], grid["seed"], spec["classes"], map(load, stores), progress=bar("runs"))
