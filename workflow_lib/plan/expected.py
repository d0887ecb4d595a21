"""How large a split will be once it is prepared, where the config or a look at the files tells; for estimates."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import xarray as xr

from workflow_lib.config.sources import Samples, Source
from workflow_lib.datasets.artifact import StoredSplit
from workflow_lib.datasets.sources import load
from workflow_lib.datasets.split import Split
from workflow_lib.errors import UserError

LISTED: Final = ("digits", "imagefolder", "arrays", "table", "iris", "wine", "breast_cancer")
"""Sources whose labels and shapes are known before any image is read."""


class Expected(NamedTuple):
    """Number of samples of each class, in the order of the labels, and the shape of a sample."""

    counts: Mapping[str, int]
    shape: tuple[int, int, int]


def expected(name: str, split: str, datasets: Mapping[str, Source]) -> Expected | None:
    """Size of a split of a dataset; None if it is not known before the data are prepared.

    Args:
        name: of the dataset.
        split: train or test.
        datasets: all datasets of the config.
    """
    source = datasets[name]
    spec = source.model_dump(mode="json")
    if spec["source"] in LISTED:
        return _looked_at(spec, split)
    if source.parts():
        parts = [expected(part, split, datasets) for part in source.parts()]
        known = [part for part in parts if part]
        if len(known) < len(parts):
            return None
        first, *_ = known  # all have the same classes
        counts: Mapping[str, int] = {member: sum(part.counts[member] for part in known) for member in first.counts}
        shape = first.shape
    else:
        size, names = source.size(), source.own_classes()
        if size is None or names is None:
            return None
        counts, shape = dict.fromkeys(names, getattr(size, split)), size.shape
    if source.superclasses:
        groups = sorted(source.superclasses.items())
        counts = {group: sum(counts[member] for member in members) for group, members in groups}
    if source.classes:
        counts = {member: counts[member] for member in source.classes}
    most = getattr(source.subsample, split) if isinstance(source, Samples) and source.subsample else None
    return Expected({member: min(count, most or count) for member, count in counts.items()}, shape)


def _looked_at(spec: Mapping[str, Any], split: str) -> Expected | None:
    """Size of a split of a source; None if it cannot be read, which is reported when it is prepared."""
    try:
        found = load({**spec, "on_damaged": "error"})[split]  # to leave damaged images out, all have to be read
    except UserError:
        return None
    counts = np.bincount(found.labels, minlength=len(found.class_names)).tolist()
    return (
        Expected(dict(zip(found.class_names, counts, strict=True)), found.image_shape)
        if isinstance(found, Split)
        else None
    )


def noise(size: Expected) -> StoredSplit:
    """A split of this size whose images are all the same noise, which takes no memory."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(len(size.counts)), [*size.counts.values()]))
    image = rng.integers(0, 256, size.shape, dtype=np.uint8)
    images = xr.DataArray(np.broadcast_to(image, (len(labels), *size.shape)))
    return StoredSplit(labels, labels, tuple(size.counts), size.shape, images)
