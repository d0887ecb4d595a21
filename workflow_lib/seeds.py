"""Random numbers from explicit seeds, derived from names so that no result depends on the order of calls."""

import hashlib

import numpy as np
import numpy.typing as npt


def derive(*names: object) -> int:
    """Seed from 0 to 2**63 - 1, derived from names such as ("digits_cnn", 0, "order", epoch)."""
    text = "/".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*names: object) -> np.random.Generator:
    """NumPy generator seeded by `derive(*names)`."""
    return np.random.Generator(np.random.PCG64(derive(*names)))


def sample_rows(labels: npt.NDArray[np.integer], n: int, seed: int) -> npt.NDArray[np.int64]:
    """Draw a stratified sample of about `n` rows (sorted, unique, int64), with at least one row per class.

    All rows are returned if there are at most `n`. Rounding and the minimum of one per class change the count by up to
    the number of classes. The rows drawn from a class depend only on its label, its members and the seed.
    """
    if len(labels) <= n:
        return np.arange(len(labels))
    drawn = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        count = max(round(n * len(members) / len(labels)), 1)
        drawn.append(generator("sample", seed, label).choice(members, size=count, replace=False))
    return np.sort(np.concatenate(drawn))
