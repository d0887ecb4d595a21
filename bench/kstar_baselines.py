"""Other ways to k*, and the float64 count that all are held against. Each takes the query rows it answers for."""

import numpy as np


def bare_product(features, block=1024):
    """The N x N x d float32 product and nothing else, in panels of `block` rows."""
    panel = np.empty((block, len(features)), dtype=np.float32)
    other = features.copy()  # the product of a matrix with itself would take BLAS's symmetric routine
    for first in range(0, len(features), block):
        rows = features[first : first + block]
        np.matmul(rows, other.T, out=panel[: len(rows)])


def torch_product(features, block=1024):
    import torch

    right = torch.from_numpy(features)
    panel = torch.empty((block, len(features)))
    for first in range(0, len(features), block):
        rows = right[first : first + block]
        torch.mm(rows, right.T, out=panel[: len(rows)])


def float64_count(features, labels, metric, queries):
    """Kappa of the query rows from float64 distances by direct difference, summed feature by feature."""
    columns = np.array(features.T, dtype=np.float64, order="C")  # (d, N)
    if metric == "cosine":
        columns *= 1 / np.sqrt(sum(column * column for column in columns))
    kappa = np.empty(len(queries), dtype=np.int64)
    for position, query in enumerate(queries):
        distance = np.zeros(len(labels))
        for column in columns:
            difference = np.abs(column - column[query])
            if metric == "chebyshev":
                np.maximum(distance, difference, out=distance)
            else:
                distance += difference if metric == "cityblock" else difference * difference
        own = labels == labels[query]
        nearest = distance[~own].min()
        own[query] = False
        kappa[position] = 1 + np.count_nonzero(distance[own] < nearest)
    return kappa


def notebook(features, labels, queries):
    """The published way: all distances, a full sort, labels gathered, and a loop for the first foreign one."""
    import torch

    data, classes = torch.from_numpy(features), torch.from_numpy(labels)
    order = torch.cdist(data[queries], data).argsort(dim=1)
    gathered = classes[order]  # column 0 is taken for the sample itself
    kappa = []
    for row, label in zip(gathered, classes[queries], strict=True):
        kappa.append(int((row[1:] != label).nonzero()[0]) + 1)
    return np.array(kappa)


def scikit_learn(features, labels, queries, block=500):
    """As many exact neighbours as the largest class has members; a block of queries at a time."""
    from sklearn.neighbors import NearestNeighbors

    count = min(int(np.bincount(labels).max()) + 1, len(labels))
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(features)
    kappa = []
    for first in range(0, len(queries), block):
        part = queries[first : first + block]
        neighbours = search.kneighbors(features[part], return_distance=False)
        kappa.append(_first_foreign(neighbours, labels, part))
    return np.concatenate(kappa)


def faiss_flat(features, labels, queries, block=500):
    """Exact float32 search for 64 neighbours, then four times as many for the queries that met no foreign one."""
    import faiss

    index = faiss.IndexFlatL2(features.shape[1])
    index.add(features)
    kappa = np.zeros(len(queries), dtype=np.int64)
    count, left = 64, np.arange(len(queries))
    while len(left):
        count = min(count, len(labels))
        for first in range(0, len(left), block):
            part = left[first : first + block]
            neighbours = index.search(features[queries[part]], count)[1]
            kappa[part] = _first_foreign(neighbours, labels, queries[part])
        left, count = np.flatnonzero(kappa == 0), count * 4
    return kappa


def _first_foreign(neighbours, labels, queries):
    """Rank of the first foreign neighbour, the query itself left out; 0 where there is none."""
    foreign = labels[neighbours] != labels[queries, None]
    counted = np.cumsum(neighbours != queries[:, None], axis=1)
    first = foreign.argmax(axis=1)
    rows = np.arange(len(queries))
    return np.where(foreign[rows, first], counted[rows, first], 0)
