"""Checks of the features: all at once, with errors that name the entry of P."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from workflow_lib.errors import Problem, UserError

SHOWN = 5
"""Number of entries that an error lists; the others are counted."""


class Features(Protocol):
    """An array that can be sliced: NumPy array or memmap, or one that reads from a file (zarr, xarray, h5py)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, n, d): target, origin, feature."""

    @property
    def dtype(self) -> Any:
        """Any real type."""

    def __getitem__(self, key: Any, /) -> Any:
        """Rows, or rows and columns, as an array-like."""


def check(features: Features, names: Sequence[str] | None, rows: int) -> None:
    """Check every entry once, `rows` targets at a time.

    Raises:
        UserError: features are not real numbers of shape (n, n, d), names are not one per class, or a vector is not
            finite or all zero; all such vectors are counted and the first ones listed.
    """
    problems = _shape_problems(features, names)
    if problems:
        raise UserError(*problems)
    classes = features.shape[0]
    endless, zero = np.zeros((2, classes, classes), dtype=bool)
    for start in range(0, classes, rows):
        slab = np.asarray(features[start : start + rows])
        endless[start : start + rows] = ~np.isfinite(slab).all(axis=-1)
        zero[start : start + rows] = ~slab.any(axis=-1)
    problems = value_problems(endless, zero, lambda k, j: f"target {name(k, names)}, origin {name(j, names)}")
    if problems:
        raise UserError(*problems)


def value_problems(endless: np.ndarray, zero: np.ndarray, label: Callable[..., str]) -> list[Problem]:
    """Problems of the vectors marked as not finite or as zero; `label` returns a name for the indices of one."""
    problems = []
    if endless.any():
        repair = "Check the network: its weights or its normalisation overflow"
        problems.append(Problem("features", _listing(endless, label), "features must be finite", repair))
    if zero.any():
        allowed = "a feature vector of zeros has no direction, so its dissimilarity to others is not defined"
        repair = "Choose another layer, or train the network longer"
        problems.append(Problem("features", _listing(zero, label), allowed, repair))
    return problems


def name(index: int, names: Sequence[str] | None) -> str:
    """Name of a class; without names its number, from 0."""
    return str(index if names is None else names[index])


def converged_mask(converged: npt.ArrayLike | None, classes: int) -> npt.NDArray[np.bool_]:
    """Which prototypes converged, (n, n) bool indexed [target, origin]; None means all.

    Raises:
        UserError: another shape.
    """
    mask = np.ones((classes, classes), dtype=bool) if converged is None else np.asarray(converged, dtype=bool)
    if mask.shape != (classes, classes):
        allowed = f"must be ({classes}, {classes}): one for each target and origin"
        raise UserError(Problem("converged", str(mask.shape), allowed, "Pass it for these prototypes"))
    return mask


def _shape_problems(features: Features, names: Sequence[str] | None) -> list[Problem]:
    shape, dtype = tuple(features.shape), np.dtype(features.dtype)
    problems = []
    if len(shape) != 3 or shape[0] != shape[1] or 0 in shape or dtype.kind not in "biuf":
        allowed = "features must be real numbers of shape (n, n, d): target, origin, feature"
        problems.append(Problem("features", f"{dtype} {shape}", allowed, "Flatten the features of each prototype"))
    elif names is not None and len(names) != shape[0]:
        found = f"{len(names)} names, {shape[0]} classes"
        problems.append(Problem("names", found, "each class needs one name", "Pass the names of these classes"))
    return problems


def _listing(wrong: np.ndarray, label: Callable[..., str]) -> str:
    """The entries that a mask marks, as `target cat, origin dog; … (12 in all)`."""
    found = np.argwhere(wrong)
    text = "; ".join(label(*index) for index in found[:SHOWN].tolist())
    return f"{text}; … ({len(found)} in all)" if len(found) > SHOWN else text
