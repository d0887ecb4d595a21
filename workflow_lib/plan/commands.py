"""The length of the command lines of a plan."""

from collections.abc import Iterator

from workflow_lib.errors import Problem
from workflow_lib.plan.plan import Plan

LONGEST = 120_000
"""Most characters of paths and settings in a command: Linux allows 131,072 bytes."""


def length_problems(plan: Plan) -> Iterator[Problem]:
    """One problem for each study with a table or figure whose inputs and settings do not fit into a command."""
    for family, studies in plan.studies.items():
        for name, study in studies.items():
            lengths = [
                len(study.spec(output)) + sum(len(" ".join(files.patterns)) for files in study.inputs(output).values())
                for output in study.outputs
            ]
            if (length := max(lengths)) > LONGEST:
                yield Problem(
                    f"{family}.studies.{name}",
                    "",
                    f"the paths of its inputs take {length:,} characters; a command can have {LONGEST:,}",
                    "split it into several studies; of pairs of classes, take a sample: pairs: {sample: 1000, seed: 0}",
                )
