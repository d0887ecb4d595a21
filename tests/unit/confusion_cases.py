"""Confusion studies whose truth is known: runs drawn by chance, as the store that a real study would make."""

import itertools

import numpy as np
import xarray as xr

EPOCHS = 6


def all_pairs(classes):
    return list(itertools.combinations(range(classes), 2))


def study(
    classes=4,
    seeds=5,
    *,
    pairs=None,
    effect=None,
    accuracy=0.9,
    of_run=0.02,
    of_pair=0.0,
    samples=100,
    share=0.5,
    source=0,
    names=None,
    mode="swap",
):
    """A store of all runs: the number of recognised samples of a class is binomial, the others spread over the rest.

    Args:
        classes: number of them.
        seeds: of each pair and the baseline.
        pairs: of class numbers; None: all.
        effect: (T, C) taken from the accuracy of T where C is mixed up; None: 0.
        accuracy: of every class.
        of_run: standard deviation of the accuracy between runs.
        of_pair: standard deviation between pairs, the same for all runs of one.
        samples: test samples of a class.
        share: of the labels of the two classes that are mixed up; of their samples, called by the other's name.
        source: seed of the chance.
        names: of the classes.
        mode: the attribute of the store; what is drawn does not depend on it.
    """
    chance = np.random.default_rng(source)
    member = np.array([(-1, -1), *(all_pairs(classes) if pairs is None else pairs)])
    names = names or [f"c{i}" for i in range(classes)]
    effect = np.zeros((classes, classes)) if effect is None else effect
    counts = np.zeros((len(member), seeds, classes, classes), dtype=np.int64)
    for place, two in enumerate(member):
        mixed = [c for c in two if c >= 0]
        common = accuracy - effect[:, mixed].sum(axis=1) + of_pair * chance.normal(size=classes) * bool(mixed)
        for seed, true in itertools.product(range(seeds), range(classes)):
            hit = np.clip(common[true] + of_run * chance.normal(), 0, 1)
            p = np.full(classes, (1 - hit) / (classes - 1))
            p[true] = hit
            if true in mixed:
                p[mixed] = np.array([share, 1 - share] if true == mixed[1] else [1 - share, share]) * p[mixed].sum()
            counts[place, seed, true] = chance.multinomial(samples, p)
    floor = np.where(member[:, :1] >= 0, 0.1, 0.02)
    loss = floor[:, :, None] + np.exp(-np.arange(1, EPOCHS + 1)) * chance.uniform(0.8, 1.2, (len(member), seeds, 1))
    return store(counts, loss, member, names, mode=mode)


def store(counts, loss, member, names, diverged=None, mode="swap"):
    """The store of counts (pair, seed, true, predicted), loss (pair, seed, epoch) and member (pair, side)."""
    pairs = ["baseline" if a < 0 else f"{names[a]}+{names[b]}" for a, b in member]
    return xr.Dataset(
        {
            "counts": (("pair", "seed", "true", "predicted"), np.asarray(counts)),
            "loss": (("pair", "seed", "epoch"), np.asarray(loss, dtype=float)),
            "diverged": (
                ("pair", "seed"),
                np.zeros(np.shape(counts)[:2], dtype=bool) if diverged is None else diverged,
            ),
            "member": (("pair", "side"), np.asarray(member)),
        },
        {
            "pair": pairs,
            "seed": np.arange(np.shape(counts)[1]),
            "true": names,
            "predicted": names,
            "epoch": np.arange(1, np.shape(loss)[2] + 1),
        },
        {"mode": mode},
    )


def diverge(dataset, *places):
    """The same study with runs at `places` (pair, seed) that diverged: nonsense counts, no loss from epoch 3 on."""
    dataset = dataset.copy(deep=True)
    for pair, seed in places:
        dataset["diverged"][pair, seed] = True
        dataset["loss"][pair, seed, 2:] = np.nan
        nonsense = np.zeros_like(dataset["counts"][pair, seed].values)
        nonsense[:, 0] = dataset["counts"][pair, seed].values.sum(axis=1)
        dataset["counts"][pair, seed] = nonsense
    return dataset
