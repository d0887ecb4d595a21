"""Results whose records say that they must be made again, told to Snakemake when it has no memory of them.

Snakemake compares settings and code with what it remembers in `.snakemake`. It compares nothing where that was deleted
or left behind, where results were put back from elsewhere, or where a job makes one file more than before. The records
beside the results always tell.
"""

from collections.abc import Iterable

from workflow_lib.plan.plan import Plan
from workflow_lib.plan.why import MISSING, explain


def outdated(plan: Plan, asked: Iterable[str]) -> list[str]:
    """One artifact of each job whose results were made with other settings, code or inputs than those of the plan.

    Args:
        plan: what shall be there.
        asked: artifacts that are wanted.
    """
    answer = explain(plan, asked)
    return [job.makes[0] for job in answer.jobs if answer.reasons.get(job.name, [MISSING]) != [MISSING]]
