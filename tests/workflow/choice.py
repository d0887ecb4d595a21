"""What of the long proofs the tests take by default; LATENT_ATLAS_TEST_ALL=1 takes all, as `make proof` does."""

import os
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def chosen(cases: Sequence[T], every: int) -> Sequence[T]:
    """Every so-many-th of the cases, or all of them where that is asked for."""
    return cases if os.environ.get("LATENT_ATLAS_TEST_ALL") else cases[::every]
