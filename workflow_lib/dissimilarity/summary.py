"""Statistics of C and R of one set of prototypes, computed block by block (docs/science.md 2.4, 2.6).

A set is one network at one interval, with one initialisation. C[k, j, m] = C[m, j, k] and R[k, j, m] = R[k, m, j] are
both included, which changes no mean, no standard deviation and no share.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from workflow_lib.dissimilarity.cosine import Array, Block, Blocks, Tensor
from workflow_lib.dissimilarity.inputs import converged_mask

Unconverged = Literal["leave_out", "keep"]

OUTLIER_Z = 3.0
"""Standard deviations from the mean beyond which an entry is an outlier (docs/science.md 2.6)."""

EDGES = np.linspace(0, 2, 201)
"""Edges of the 200 bins of the histograms."""

ROUNDING = 1e-12
"""Values this close to the mean are no outliers: if all values are equal, rounding alone makes such differences."""


@dataclass(frozen=True)
class Selection:
    """Which entries are included.

    Attributes:
        include_self: also C[k, j, k] and R[k, j, j], which are 0 by definition (as on the poster).
        unconverged: "leave_out" leaves out entries of prototypes that did not converge: C[k, j, m] is an entry of
            (k, j) and (m, j), R[k, j, m] of (k, j) and (k, m), as (target, origin).
    """

    include_self: bool = False
    unconverged: Unconverged = "leave_out"


SELECTIONS = tuple(Selection(include, kept) for include in (False, True) for kept in ("leave_out", "keep"))


@dataclass(frozen=True)
class Summary:
    """Statistics of one tensor under one selection; NaN without entries.

    Attributes:
        count: number of entries.
        mean: of the entries, 0 to 2.
        std: standard deviation with ddof 0.
        outliers: entries with |z| > the threshold with respect to this mean and this std (docs/science.md 2.6).
        by_class: (n,) mean over the entries of each class held fixed: C[., c, .], origin c; R[c, ., .], target c.
        by_pair: (n, n) mean over the classes held fixed: C by target k and other m, over origins; R by origin j and
            other m, over targets. Symmetric; without self entries the diagonal is NaN.
        histogram: (200,) int64, number of entries between EDGES.
    """

    count: int
    mean: float
    std: float
    outliers: int
    by_class: Array
    by_pair: Array
    histogram: npt.NDArray[np.int64]

    @property
    def outlier_share(self) -> float:
        """Share of the entries that are outliers, 0 to 1; NaN without entries."""
        return self.outliers / self.count if self.count else float("nan")


def chebyshev_bound(outlier_z: float = 3) -> float:
    """Largest possible share of values with |z| > outlier_z, by their own mean and std (ddof 0): 1 / z²."""
    return min(1 / outlier_z**2, 1.0)


Summaries = Mapping[tuple[Tensor, Selection], Summary]


def summarise(
    blocks: Blocks,
    converged: npt.ArrayLike | None = None,
    *,
    outlier_z: float = OUTLIER_Z,
    selections: Sequence[Selection] = SELECTIONS,
) -> Summaries:
    """Statistics of both tensors under each selection, in two passes, because outliers need the mean.

    Args:
        blocks: from `stream`, or from `stored`.
        converged: (n, n) bool, indexed [target, origin]; None: all did.
        outlier_z: threshold of |z|.
        selections: which entries are included; by default all four selections.

    Raises:
        UserError: `converged` of another shape.
    """
    n = blocks.classes
    reached = converged_mask(converged, n)
    # If all converged, both ways to treat unconverged entries are the same and share one count.
    same = {s: Selection(s.include_self, "keep") if reached.all() else s for s in selections}
    counts = {(tensor, s): _Count(n) for tensor in ("C", "R") for s in dict.fromkeys(same.values())}
    for second in (False, True):
        for block in blocks:
            for (tensor, selection), count in counts.items():
                if tensor == block.tensor:
                    mask = _mask(block, selection, reached)
                    count.find_outliers(block, mask, outlier_z) if second else count.add(block, mask)
    found = {key: count.summary() for key, count in counts.items()}
    return {(tensor, s): found[tensor, same[s]] for tensor in ("C", "R") for s in selections}


def _mask(block: Block, selection: Selection, converged: np.ndarray) -> np.ndarray:
    """(rows, n, n) bool: the entries of a block that are included."""
    rows, n, _ = block.values.shape
    mask = np.ones(block.values.shape, dtype=bool)
    if selection.unconverged == "leave_out":
        held = (converged.T if block.tensor == "C" else converged)[block.start : block.start + rows]  # (rows, n)
        mask &= held[:, :, None] & held[:, None, :]
    if not selection.include_self:
        mask &= ~np.eye(n, dtype=bool)
    return mask


class _Count:
    """Sums over the blocks of one tensor, under one selection."""

    def __init__(self, classes: int) -> None:
        self._count, self._mean, self._squares, self._outliers = 0, 0.0, 0.0, 0
        self._class_sum, self._class_count = np.zeros((2, classes))
        self._pair_sum, self._pair_count = np.zeros((2, classes, classes))
        self._histogram = np.zeros(len(EDGES) - 1, dtype=np.int64)

    def add(self, block: Block, mask: np.ndarray) -> None:
        """First pass."""
        values = block.values[mask]
        held = slice(block.start, block.start + len(mask))
        self._class_sum[held] = block.values.sum(axis=(1, 2), where=mask)
        self._class_count[held] = mask.sum(axis=(1, 2))
        self._pair_sum += block.values.sum(axis=0, where=mask)
        self._pair_count += mask.sum(axis=0)
        self._histogram += np.histogram(values, EDGES)[0]
        if values.size:
            self._merge(values)

    def _merge(self, values: Array) -> None:
        """Add `values` to the mean and the squared deviations (Chan, Golub & LeVeque 1983, eq. 2.1)."""
        mean = values.mean()
        total = self._count + values.size
        apart = mean - self._mean
        self._squares += np.square(values - mean).sum() + apart**2 * self._count * values.size / total
        self._mean += apart * values.size / total
        self._count = total

    def find_outliers(self, block: Block, mask: np.ndarray, outlier_z: float) -> None:
        """Second pass."""
        limit = max(outlier_z * self._std(), ROUNDING)
        self._outliers += int(np.count_nonzero(np.abs(block.values[mask] - self._mean) > limit))

    def _std(self) -> float:
        return math.sqrt(self._squares / self._count) if self._count else float("nan")

    def summary(self) -> Summary:
        """The result of both passes."""
        return Summary(
            count=self._count,
            mean=float(self._mean) if self._count else float("nan"),
            std=self._std(),
            outliers=self._outliers,
            by_class=_mean(self._class_sum, self._class_count),
            by_pair=_mean(self._pair_sum, self._pair_count),
            histogram=self._histogram,
        )


def _mean(total: Array, count: Array) -> Array:
    """Ratio of both; NaN where the count is 0."""
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
