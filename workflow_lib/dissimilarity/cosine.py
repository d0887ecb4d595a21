"""C and R of a set of prototypes: 1 - cosine similarity, by batched matrix products (docs/science.md 2.4).

    C[k, j, m] = dis(f[k, j], f[m, j])     same origin j
    R[k, j, m] = dis(f[k, j], f[k, m])     same target k

Both are stacks of symmetric matrices, one for each class that is held fixed: the origin in C, the target in R.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from workflow_lib.dissimilarity.inputs import Features, check

Array = npt.NDArray[np.float64]
Tensor = Literal["C", "R"]

BLOCK_BYTES = 256 * 2**20
"""Size to aim for in a block: its unit vectors and its values. While the next block is made, or one is written, a
process needs up to twice as much."""


@dataclass(frozen=True)
class Block:
    """A part of C for some origins, or of R for some targets: the classes start, start + 1, … are held fixed.

    Attributes:
        tensor: "C" or "R".
        start: the first of these classes.
        values: (rows, n, n) float64 in [0, 2], zeros on the diagonals. values[i, a, b] is C[a, start + i, b] or
            R[start + i, a, b].
    """

    tensor: Tensor
    start: int
    values: Array


class Blocks(Protocol):
    """All blocks of C, then all of R; can be iterated over several times."""

    @property
    def classes(self) -> int:
        """Number of classes n."""

    def __iter__(self) -> Iterator[Block]:
        """Start from the first block."""


def tensors(features: npt.ArrayLike, names: Sequence[str] | None = None) -> tuple[Array, Array]:
    """Dissimilarity tensors of a set of prototypes.

    Self entries C[k, j, k] and R[k, j, j] are exactly 0. The others are exact to about 1e-15 for vectors of any length,
    so vectors less than 1e-7 apart in angle are no longer distinguished.

    Args:
        features: (n, n, d) real numbers of any type, indexed [target k, origin j].
        names: n names of classes, for error messages.

    Returns:
        C and R, each (n, n, n) float64 in [0, 2], indexed [target k, origin j, other m]. They take 16 n³ bytes,
        and computing them another 8 n² d. `stream` needs less.

    Raises:
        UserError: another shape or type, an entry that is not finite, or a vector of zeros; it names target and origin.

    Examples:
        >>> from latent_atlas import tensors
        >>> features = [[[1, 0], [1, 1]], [[0, 1], [0, 1]]]  # [target][origin]: a vector of two features
        >>> C, R = tensors(features)
        >>> C.round(2)[0, 1].tolist()  # C[0, 1, m]: made from class 1, into class 0 or into class m
        [0.0, 0.29]
        >>> R.round(2)[0, 0].tolist()  # R[0, 0, m]: made into class 0, from class 0 or from class m
        [0.0, 0.29]
    """
    array = np.asarray(features)
    check(array, names, rows=max(len(array), 1) if array.ndim else 1)
    units = unit_vectors(array)
    C, R = np.empty((2, len(units), len(units), len(units)))
    dissimilarities(units.swapaxes(0, 1), out=C.swapaxes(0, 1))
    dissimilarities(units, out=R)
    return C, R


def stream(features: Features, block: int | None = None, names: Sequence[str] | None = None) -> Blocks:
    """C and R in blocks, without holding all of either in memory.

    Each iteration reads slices of origins for C and slices of targets for R. If a file must be read in full for every
    slice of origins, pass an array in memory or a memmap instead. One slice, its float64 unit vectors and one block
    are in memory at a time: up to 8 n (2 d + n) bytes per class of the block, 16 MB at n = 1,000 and d = 512.

    Args:
        features: as for `tensors`; all are read once by this call, to check them.
        block: classes in a block; None: about 256 MiB. It does not change any value.
        names: n names of classes, for error messages.

    Raises:
        UserError: as for `tensors`.
    """
    rows = 1 if block is None else block
    if block is None and len(features.shape) == 3:
        rows = rows_of_block(features.shape[0], features.shape[2])
    check(features, names, rows)
    return _Stream(features, rows)


def rows_of_block(classes: int, width: int) -> int:
    """Classes in a block so that its values, and unit vectors of `width` features, take about BLOCK_BYTES."""
    return min(max(BLOCK_BYTES // (8 * max(classes, 1) * (classes + width)), 1), max(classes, 1))


@dataclass(frozen=True)
class _Stream:
    """Blocks that are computed on demand."""

    features: Features
    rows: int

    @property
    def classes(self) -> int:
        return self.features.shape[0]

    def __iter__(self) -> Iterator[Block]:
        for start in range(0, self.classes, self.rows):
            slab = np.asarray(self.features[:, start : start + self.rows])  # (n, rows, d): target, origin
            yield Block("C", start, dissimilarities(unit_vectors(slab.swapaxes(0, 1))))
        for start in range(0, self.classes, self.rows):
            slab = np.asarray(self.features[start : start + self.rows])  # (rows, n, d): target, origin
            yield Block("R", start, dissimilarities(unit_vectors(slab)))


def unit_vectors(vectors: np.ndarray) -> Array:
    """The vectors (…, d) as float64 of length 1; none may be zero.

    Vectors are first divided by their largest magnitude, so that squares neither overflow nor underflow; squares of
    float32 values cannot in float64.
    """
    units = np.array(vectors, dtype=np.float64, order="C")
    if vectors.dtype != np.float32:
        units /= np.maximum(units.max(axis=-1), -units.min(axis=-1))[..., None]
    units /= np.sqrt(np.einsum("...d,...d->...", units, units))[..., None]
    return units


def dissimilarities(units: Array, out: Array | None = None) -> Array:
    """1 - cosine similarity between the vectors of each matrix in a stack (rows, n, d), as (rows, n, n)."""
    found: Array = np.matmul(units, units.swapaxes(1, 2), out=out)
    np.subtract(1, found, out=found)
    np.clip(found, 0, 2, out=found)
    np.einsum("raa->ra", found)[...] = 0  # by identity: rounding leaves 1e-16 there
    return found
