"""Layers that a network does not have, found while planning.

A check of a network is not repeated when only its layers change, so new layers are compared with the table of modules
that the check has left.
"""

import csv
from collections.abc import Iterator
from pathlib import Path

from workflow_lib.errors import Problem, unknown
from workflow_lib.plan.plan import Plan
from workflow_lib.plan.why import explain


def layer_problems(plan: Plan) -> Iterator[Problem]:
    """Layers that do not exist or give no features, of networks whose check passed and will not run again."""
    for name, model in plan.config.models.items():
        table = plan.path(f"networks/{name}.csv")
        problem_of = _modules(Path(table))
        wrong = {key: layer.module for key, layer in model.layers.items() if problem_of.get(layer.module, "none")}
        if not problem_of or not wrong or _runs(plan, table):
            continue
        for key, module in wrong.items():
            where = f"models.{name}.layers.{key}"
            if module in problem_of:
                repair = "name a block that contains it, or one after it"
                yield Problem(where, module, f"this layer {problem_of[module]}", repair)
            else:
                usable = [known for known, problem in problem_of.items() if not problem]
                yield unknown(where, module, "layer of this network", usable)


def _modules(table: Path) -> dict[str, str]:
    """Why a module cannot be a layer ("" if it can), by its name; empty if the table cannot be read."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            return {row["module"]: row["problem"] for row in csv.DictReader(file)}
    except (OSError, ValueError, LookupError, csv.Error):
        return {}


def _runs(plan: Plan, table: str) -> bool:
    """Whether the check, or the preparation of its dataset, will run again, or nobody knows."""
    answer = explain(plan, [table])
    return bool(answer.reasons or answer.following or answer.unknown)
