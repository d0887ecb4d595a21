"""k* of all points of a study as one labelled array, written point by point."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from workflow_lib.io.storage import CHUNK_BYTES, atomic, load, pack
from workflow_lib.points import DIMENSIONS
from workflow_lib.progress import Progress

if TYPE_CHECKING:
    import zarr

MEANING = {
    "kstar": "kappa divided by the size of the class",
    "kappa": "rank of the nearest sample of another class",
    "piece": "number of its piece within its class, 0 the largest; -1 where k* is approximate",
}
"""The variables, each float64 with all of DIMENSIONS and sample."""


def write_array(
    path: Path, points: Sequence[Mapping[str, Any]], stores: Sequence[Path], progress: Progress | None = None
) -> None:
    """Write kstar, kappa and piece of all points, with one point in memory at a time.

    The samples are those of all points, each id once, in the order in which they first occur. NaN: the study has no
    such point, or the point no such sample. Points that the study lacks take no space.

    Args:
        path: the store, `….zarr.zip`.
        points: values of every dimension, in the order of `stores`.
        stores: k* stores.
        progress: called with the points written and in all.
    """
    values = {dimension: _values([point[dimension] for point in points]) for dimension in DIMENSIONS}
    samples = _samples(stores)
    with _new_store(path, _coordinates(values, samples)) as arrays:
        for done, (point, file) in enumerate(zip(points, stores, strict=True), start=1):
            place = tuple(values[dimension].index(point[dimension]) for dimension in DIMENSIONS)
            with load(file) as store:
                rows = samples.index.get_indexer(pd.Index(_text(store["sample"])))
                for name, array in arrays.items():
                    slab = np.full(len(samples), np.nan)
                    slab[rows] = store[name].values
                    array[place] = slab
            if progress is not None:
                progress(done, len(points))


def _values(found: list[Any]) -> list[Any]:
    """Values of a dimension: numbers in rising order, names in the order of the study."""
    values = list(dict.fromkeys(found))
    return values if isinstance(values[0], str) else sorted(values)


def _samples(stores: Sequence[Path]) -> pd.DataFrame:
    """The label and class_name of each sample id; -1 and "" where points differ in it."""
    found, last = pd.DataFrame(), pd.DataFrame()
    for file in stores:
        with load(file) as store:
            names, labels = np.array(store.attrs["class_names"], dtype=object), store["label"].values
            here = pd.DataFrame({"sample": _text(store["sample"]), "label": labels, "class_name": names[labels]})
        if not here.equals(last):
            found, last = pd.concat([found, here]).drop_duplicates(), here
    each = found.groupby("sample", sort=False)
    first, same = each.first(), each.nunique() == 1
    return first.assign(
        label=first["label"].where(same["label"], -1), class_name=first["class_name"].where(same["class_name"], "")
    )


def _text(names: xr.DataArray) -> "np.ndarray[Any, np.dtype[np.object_]]":
    return names.values.astype(object)


def _coordinates(values: Mapping[str, list[Any]], samples: pd.DataFrame) -> xr.Dataset:
    labels = {dimension: (dimension, np.array(known)) for dimension, known in values.items()}
    labels["sample"] = ("sample", samples.index.to_numpy())
    labels |= {name: ("sample", samples[name].to_numpy()) for name in ("label", "class_name")}
    coords = {
        name: (dim, known.astype(np.dtypes.StringDType()) if known.dtype.kind in "UO" else known)
        for name, (dim, known) in labels.items()
    }
    return xr.Dataset(coords=coords, attrs={"title": "k* of all points of a study"})


@contextlib.contextmanager
def _new_store(path: Path, coordinates: xr.Dataset) -> "Iterator[dict[str, zarr.Array[Any]]]":
    """Yield the variables as arrays of NaN, a chunk per point; chunks that are not written read as NaN."""
    import zarr

    shape = tuple(coordinates.sizes[dimension] for dimension in (*DIMENSIONS, "sample"))
    with atomic(path) as scratch:
        folder = scratch.with_name("store")
        coordinates.to_zarr(folder, mode="w", zarr_format=3, consolidated=False, write_empty_chunks=True)
        group = zarr.open_group(folder, mode="r+", zarr_format=3)
        yield {
            name: group.create_array(
                name,
                shape=shape,
                dtype="float64",
                chunks=(*(1 for _ in DIMENSIONS), min(shape[-1], CHUNK_BYTES // 8)),
                dimension_names=(*DIMENSIONS, "sample"),
                attributes={"long_name": meaning},
                fill_value=np.nan,
            )
            for name, meaning in MEANING.items()
        }
        pack(folder, scratch)
