"""Data that is hard for k*, and k* by brute force, written without a line of the package."""

import numpy as np
from scipy.sparse.csgraph import connected_components

METRICS = ("euclidean", "cityblock", "chebyshev", "cosine")


def distances(features, metric):
    """All distances in float64 by direct difference, summed feature by feature; Euclidean and cosine squared."""
    x = features.astype(np.float64)
    if metric == "cosine":
        x = x * (1 / np.sqrt(np.cumsum(x * x, axis=1)[:, -1:]))
    difference = np.abs(x[:, None] - x[None])
    if metric == "chebyshev":
        return difference.max(axis=2)
    return np.cumsum(difference if metric == "cityblock" else difference**2, axis=2)[:, :, -1]


def brute_force(features, labels, metric):
    """Kappa and the nearest foreign sample, read off the matrix of distances row by row."""
    kappa, foreign = [], []
    for i, row in enumerate(distances(features, metric)):
        other = labels != labels[i]
        nearest = row[other].min()
        own = ~other
        own[i] = False
        kappa.append(1 + int((row[own] < nearest).sum()))
        foreign.append(int(np.flatnonzero(other & (row == nearest))[0]))
    return np.array(kappa), np.array(foreign)


def brute_force_pieces(features, labels, metric):
    """Number of each sample's piece: the graph written out, its components by SciPy, numbered one by one."""
    between = distances(features, metric)
    foreign = labels[:, None] != labels
    nearest = np.where(foreign, between, np.inf).min(axis=1)
    joined = ~foreign & (between < np.minimum(nearest[:, None], nearest))
    _, component = connected_components(joined, directed=False)
    piece = np.empty(len(labels), int)
    for label in np.unique(labels):
        inside = component[labels == label].tolist()
        ranked = sorted(set(inside), key=lambda one: (-inside.count(one), inside.index(one)))
        piece[labels == label] = [ranked.index(one) for one in inside]
    return piece


def near_ties(rng, count, width):
    """Rows with the same coordinates in another order, some nudged by one unit in the last place."""
    rows = rng.permuted(np.tile(rng.standard_normal(width, dtype=np.float32), (count, 1)), axis=1)
    nudged = rng.integers(0, width, count)
    toward = rng.choice(np.array([-np.inf, np.inf], dtype=np.float32), count)
    rows[np.arange(count), nudged] = np.nextafter(rows[np.arange(count), nudged], toward)
    return rows


def cases():
    """name -> (features, labels); between 2 and 200 samples, 1 to 60 features."""
    rng = np.random.default_rng(7)
    normal = rng.standard_normal((160, 40), dtype=np.float32)
    labels = rng.integers(0, 4, 160)
    means = rng.standard_normal((4, 40))
    return {
        "normal": (normal, labels),
        "clusters": (normal + 3 * means[labels].astype(np.float32), labels),
        "offset 1e3": (normal + np.float32(1e3), labels),
        "offset 1e6": (normal + np.float32(1e6), labels),
        "tiny": (normal * np.float32(1e-20), labels),
        "huge": (normal * np.float32(1e18), labels),
        "subnormal": (normal * np.float32(1e-40), labels),
        "scales by sample": (normal * 10.0 ** rng.integers(-20, 18, (160, 1)), labels),
        "scales by feature": (normal * 10.0 ** rng.integers(-12, 12, 40), labels),
        "float64": (rng.standard_normal((160, 40)), labels),
        "float64 below float32": (1 + 1e-9 * rng.standard_normal((160, 40)), labels),
        "collapsed": (means[rng.integers(0, 4, 160)] + 1e-8 * rng.standard_normal((160, 40)), labels),
        "duplicates": (np.repeat(normal[:40], 4, axis=0), labels),
        "duplicates within a class": (np.repeat(normal[:40], 4, axis=0), np.repeat(np.arange(40) % 4, 4)),
        "quantised": (np.round(normal * 4) / 4 + np.float32(0.125), labels),
        "dust on few values": (rng.integers(1, 4, (160, 3)) + 1e-10 * rng.standard_normal((160, 3)), labels),
        "binary": ((normal > 0).astype(np.float32) + np.float32(1), labels),
        "integers": (rng.integers(1, 17, (160, 30)), labels),
        "one ulp": (near_ties(rng, 160, 60), labels),
        "one feature": (rng.integers(1, 1000, (160, 1)) / 7, labels),
        "two samples": (normal[:2], np.array([0, 1])),
        "class of one": (normal, np.where(np.arange(160) == 80, 9, labels)),
        "many classes": (normal, np.arange(160) // 2),
        "every class of one": (normal, np.arange(160)),
        "closer than tf32": (means[rng.integers(0, 4, 160)].astype(np.float32) + np.float32(1e-3) * normal, labels),
        "far apart, close within": (np.float32(1e6) * np.sign(means[labels, :1]) + normal, labels),
        "near the overflow": (normal * np.float32(6e37), labels),
        "near the underflow": (rng.standard_normal((160, 40)) * 1e-140, labels),
    }
