"""Data-free quality of a network: how different the features of its class prototypes are.

M_g of Dean & Sarkar, "Fantastic DNN Classifiers and How to Identify them without Data" (2023), arXiv 2305.15563.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workflow_lib.dissimilarity.cosine import dissimilarities, unit_vectors
from workflow_lib.dissimilarity.inputs import name, value_problems
from workflow_lib.errors import Problem, UserError


@dataclass(frozen=True)
class Quality:
    """1 - mean cosine similarity between the features of class prototypes; higher means farther apart.

    Attributes:
        off_diagonal: M_g with the mean over pairs of different classes, 0 to 1 for non-negative features, up to 2 in
            general; NaN for one class.
        zero_diagonal: M_g as in the authors' code: 1 - the mean over all n² entries of the matrix of similarities, with
            a diagonal of zeros. This is 1 - (1 - off_diagonal) (n - 1) / n, larger than off_diagonal if the mean
            similarity is positive: by 0.1 (1 - off_diagonal) for 10 classes. 1 for one class.
    """

    off_diagonal: float
    zero_diagonal: float


def quality(features: npt.ArrayLike, names: Sequence[str] | None = None) -> Quality:
    """M_g of class prototypes.

    Args:
        features: (n, d) real numbers, features f[k, k] of the class prototypes p_k.
        names: n names of classes, for error messages.

    Raises:
        UserError: another shape, or a vector that is zero or not finite; the error names the class.

    Examples:
        >>> from latent_atlas import quality
        >>> quality([[1, 0], [0, 1]]).off_diagonal  # orthogonal
        1.0
    """
    matrix = np.asarray(features)
    if matrix.ndim != 2 or 0 in matrix.shape or matrix.dtype.kind not in "biuf":
        allowed = "must be real numbers of shape (n, d): class prototype, feature"
        raise UserError(Problem("features", f"{matrix.dtype} {matrix.shape}", allowed, "Pass f[k, k] of every class k"))
    endless, zero = ~np.all(np.isfinite(matrix), axis=1), ~np.any(matrix, axis=1)
    problems = value_problems(endless, zero, lambda k: f"class prototype {name(k, names)}")
    if problems:
        raise UserError(*problems)
    n = len(matrix)
    apart = float(dissimilarities(unit_vectors(matrix[None])).sum())  # over n (n - 1) ordered pairs
    off_diagonal = apart / (n * (n - 1)) if n > 1 else float("nan")
    zero_diagonal = (apart + n) / n**2  # the n similarities on the diagonal are 0, so they count as dissimilarity 1
    return Quality(off_diagonal, zero_diagonal)
