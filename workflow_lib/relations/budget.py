"""How many permutations can be computed for so many classes."""

from collections.abc import Iterator

from workflow_lib.errors import Problem

LARGEST = 10**8
"""Largest number of permutations times the square of the number of classes: minutes to an hour of one core."""


def too_many(where: str, permutations: int, classes: int) -> Iterator[Problem]:
    """More permutations than can be computed.

    Args:
        where: config key of the permutations.
        permutations: their number.
        classes: number of classes.
    """
    most = LARGEST // classes**2
    if permutations > most:
        allowed = f"for {classes} classes at most {most} can be computed: each takes all pairs of classes"
        yield Problem(where, str(permutations), allowed, f"write {most} or less")
