"""Explorer of samples, as a part of the page."""

from workflow_lib.plan.plan import Plan


def fragment(plan: Plan, budget: int) -> str:
    """HTML of the explorer, at most `budget` bytes; "" if there is nothing to show."""
    return ""
