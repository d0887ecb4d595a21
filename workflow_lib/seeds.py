"""Child seeds derived by name, so that no result depends on the order of calls."""

import hashlib

import numpy as np


def derive(*names: object) -> int:
    """Seed from 0 to 2**63 - 1 that belongs to these names, such as ("digits_cnn", 0, "order", epoch)."""
    text = "/".join(str(name) for name in names)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def generator(*names: object) -> np.random.Generator:
    """NumPy generator seeded by `derive(*names)`."""
    return np.random.Generator(np.random.PCG64(derive(*names)))
