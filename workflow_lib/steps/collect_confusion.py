"""All runs of a confusion study in one store."""

from typing import Any

from workflow_lib.confusion.runs import write
from workflow_lib.io.storage import load
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Input, Output


def collect_confusion(*, spec: dict[str, Any], stores: list[Input], counts: Output) -> None:
    """Write the store of all runs with `confusion.runs.write`.

    Args:
        spec: pairs (as in the config; the stores say which pair they belong to), mode, seeds.
        stores: of the runs, pair by pair, the seed varying fastest; the baseline first.
        counts: store.
    """
    firsts = (load(path).attrs for path in stores[:: len(spec["seeds"])])
    members = {about["pair"]: about["classes"] for about in firsts}
    write(counts, [*members], spec["seeds"], members, map(load, stores), mode=spec["mode"], progress=bar("runs"))
