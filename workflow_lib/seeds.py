"""Randomness from explicit seeds: child seeds are derived by name, so that no result depends on the order of calls."""

import hashlib

import numpy as np
import numpy.typing as npt


def derive(*names: object) -> int:
    """Seed from 0 to 2**63 - 1 that belongs to these names, such as ("digits_cnn", 0, "order", epoch)."""
    text = "/".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*names: object) -> np.random.Generator:
    """NumPy generator seeded by `derive(*names)`."""
    return np.random.Generator(np.random.PCG64(derive(*names)))


def sample_rows(labels: npt.NDArray[np.integer], n: int, seed: int) -> npt.NDArray[np.int64]:
    """Rows (sorted, unique, int64) of about `n` samples drawn so that every class keeps its share, at least one each.

    All rows when there are no more than `n`. Rounding, and the one that each class keeps, move the count by up to
    the number of classes. What is drawn from a class depends on its label, its members and the seed only.
    """
    if len(labels) <= n:
        return np.arange(len(labels))
    drawn = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = max(round(n * len(members) / len(labels)), 1)
        drawn.append(generator("sample", seed, label).choice(members, size=count, replace=False))
    return np.sort(np.concatenate(drawn))
