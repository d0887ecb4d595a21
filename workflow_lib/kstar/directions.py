"""Samples without a direction: vectors of zeros, for which cosine distance is not defined."""

import numpy as np
import numpy.typing as npt

from workflow_lib.errors import Problem


def zero_rows(features: np.ndarray) -> npt.NDArray[np.int64]:
    """Ascending rows of a matrix (N, d) that are all zeros."""
    return np.flatnonzero(~features.any(axis=1))


def not_defined(rows: npt.NDArray[np.int64]) -> Problem:
    """The problem of rows of zeros under cosine."""
    allowed = f"cosine distance is not defined for a vector of zeros ({len(rows)} samples are zero)"
    repair = "choose another metric, or leave them out (in a config: kstar: {on_zero: leave_out})"
    return Problem("features", f"sample {rows[0]} is zero", allowed, repair)
