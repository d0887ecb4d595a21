"""All runs of a confusion study in one store, written and read a few pairs at a time (docs/science.md 3.2)."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import xarray as xr

from workflow_lib.io import storage
from workflow_lib.progress import Progress

Array = npt.NDArray[np.float64]

MEANING = {
    "counts": "test samples of class `true` that the network calls `predicted`, labels as in the data set",
    "loss": "mean training loss of the epoch, nats; NaN from the epoch on in which it was no longer finite",
    "diverged": "the loss was not finite: the run is left out of statistics",
    "member": "the two classes that were mistrained, by their places in true; -1 for the baseline",
}


def write(
    path: Path,
    pairs: Sequence[str],
    seeds: Sequence[int],
    members: Mapping[str, Sequence[str]],
    runs: Iterable[xr.Dataset],
    *,
    mode: str,
    progress: Progress | None = None,
) -> None:
    """Write a store of all runs, with only the runs of one pair and one chunk in memory.

    Args:
        path: the store, `….zarr.zip`: `counts` (pair, seed, true, predicted), `loss` (pair, seed, epoch), `diverged`
            (pair, seed), `member` (pair, side).
        pairs: names as in paths, the baseline first.
        seeds: of each pair.
        members: names of the two classes of each pair; none for the baseline.
        runs: stores of single runs, pair by pair, the seed varying fastest.
        mode: how the pairs were mistrained, an attribute of the store.
        progress: called with the runs read and in all.
    """
    stores = iter(runs)
    first = next(stores)
    stores = itertools.chain([first], stores)
    classes = [str(name) for name in first["true"].values]
    n, epochs = len(classes), first["epoch"].values
    shapes = {
        "counts": (("seed", "true", "predicted"), (len(seeds), n, n), "int64"),
        "loss": (("seed", "epoch"), (len(seeds), len(epochs)), "float64"),
        "diverged": (("seed",), (len(seeds),), "bool"),
        "member": (("side",), (2,), "int64"),
    }
    variables = {
        name: storage.VariableSpec(("pair", *dims), (len(pairs), *shape), dtype, {"long_name": MEANING[name]})
        for name, (dims, shape, dtype) in shapes.items()
    }
    labels = {"pair": pairs, "seed": seeds, "true": classes, "predicted": classes, "epoch": epochs}
    coords = {name: (name, np.array(values)) for name, values in labels.items()}
    with storage.SampleWriter(
        path, variables, coords, {"title": "All runs of a confusion study", "mode": mode}
    ) as writer:
        for done, pair in enumerate(pairs, start=1):
            here = list(itertools.islice(stores, len(seeds)))
            rows = {name: np.array([run[name].values for run in here]) for name in ("counts", "loss", "diverged")}
            rows["member"] = np.array([classes.index(name) for name in members[pair]] or [-1, -1])
            writer.append(**{name: values[None] for name, values in rows.items()})
            if progress is not None:
                progress(done * len(seeds), len(pairs) * len(seeds))


@dataclass(frozen=True)
class Runs:
    """All runs as arrays for statistics: P pairs (the baseline first), S seeds, n classes.

    Attributes:
        mode: how the pairs were mistrained: swap, one_way, drop or random.
        classes: n names.
        pairs: P names.
        seeds: S numbers.
        member: (P, 2) the classes of each pair; -1 for the baseline.
        diverged: (P, S).
        accuracy: (P, S, n) share of a class's test samples that were recognised, 0 to 1; NaN for a run that diverged
            and for a class without test samples.
        predictions: (P, n, n) int64, test samples by true and predicted class, summed over the runs that did not
            diverge.
        loss: (P, S, epochs) mean training loss, nats; NaN throughout for a run that diverged.
        epochs: their numbers.
    """

    mode: str
    classes: tuple[str, ...]
    pairs: tuple[str, ...]
    seeds: tuple[int, ...]
    member: npt.NDArray[np.int64]
    diverged: npt.NDArray[np.bool_]
    accuracy: Array
    predictions: npt.NDArray[np.int64]
    loss: Array
    epochs: tuple[int, ...]

    @property
    def in_pair(self) -> npt.NDArray[np.bool_]:
        """(P, n): whether a class is one of the two of a pair."""
        return self._among(self.member)

    @property
    def confused(self) -> npt.NDArray[np.bool_]:
        """(P, n): whether samples of a class were mistrained: both of a pair, or in the mode one_way the first."""
        return self._among(self.member[:, :1] if self.mode == "one_way" else self.member)

    def _among(self, member: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        among: npt.NDArray[np.bool_] = (member[:, :, None] == np.arange(len(self.classes))).any(axis=1)
        return among

    @property
    def counted(self) -> npt.NDArray[np.int64]:
        """(P,): runs that did not diverge."""
        counted: npt.NDArray[np.int64] = (~self.diverged).sum(axis=1)
        return counted


def read(store: xr.Dataset) -> Runs:
    """Read a store made by `write`, chunk by chunk to save memory."""
    counts, diverged = store["counts"], store["diverged"].values
    P, S, n, _ = counts.shape
    accuracy, predictions = np.empty((P, S, n)), np.empty((P, n, n), dtype=np.int64)
    step = storage.chunk_shape(counts.shape, counts.dtype)[0]
    for start in range(0, P, step):
        here = slice(start, start + step)
        part, good = counts[here].values, ~diverged[here]
        samples = part.sum(axis=-1)
        known = good[:, :, None] & (samples > 0)
        hits = np.diagonal(part, axis1=2, axis2=3)
        accuracy[here] = np.divide(hits, samples, out=np.full(hits.shape, np.nan), where=known)
        predictions[here] = part.sum(axis=1, where=good[:, :, None, None])
    return Runs(
        mode=store.attrs["mode"],
        classes=tuple(str(name) for name in store["true"].values),
        pairs=tuple(str(name) for name in store["pair"].values),
        seeds=tuple(int(seed) for seed in store["seed"].values),
        member=store["member"].values,
        diverged=diverged,
        accuracy=accuracy,
        predictions=predictions,
        loss=np.where(diverged[:, :, None], np.nan, store["loss"].values),
        epochs=tuple(int(epoch) for epoch in store["epoch"].values),
    )
