"""Features of a layer, C and R in one zipped Zarr store, in blocks: C and R are 8 GB each at 1,000 classes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from workflow_lib.dissimilarity.cosine import Block, Blocks, Tensor, rows_of_block, stream
from workflow_lib.dissimilarity.inputs import Features, converged_mask
from workflow_lib.io.storage import CHUNK_BYTES, EVERY_CHUNK, atomic, chunk_shape, pack
from workflow_lib.progress import Progress

DIMS = ("target", "origin", "other")
DISSIMILARITY = "1 - cosine similarity of the features f[target, origin] of two prototypes (docs/science.md 2.4)"
ATTRS: dict[Tensor, dict[str, Any]] = {
    "C": {
        "long_name": "inter-class dissimilarity",
        "units": "1",
        "definition": "C[k, j, m] = dis(f[k, j], f[m, j]): same origin j, targets k and m",
        "self": "C[k, j, k] = 0 by definition",
    },
    "R": {
        "long_name": "intra-class dissimilarity",
        "units": "1",
        "definition": "R[k, j, m] = dis(f[k, j], f[k, m]): same target k, origins j and m",
        "self": "R[k, j, j] = 0 by definition",
    },
}
CONVERGED_ATTRS = {"long_name": "the prototype reached the loss that it was driven to"}


def write(
    path: Path,
    features: Features,
    names: Sequence[str],
    *,
    layer: str,
    converged: npt.ArrayLike | None = None,
    block: int | None = None,
    progress: Progress | None = None,
) -> None:
    """Write the features of a set of prototypes and their tensors, without holding all of the tensors in memory.

    The store has `features` (target, origin, feature), float64 variables `C` and `R` (target, origin, other) in [0, 2],
    the names of the classes as coordinates, and `converged` (target, origin) if given. Equal features give equal bytes,
    for any block size. C is in chunks of (n, origins, n), R of (targets, n, n), about 8 MiB each.

    Args:
        path: the store, `….zarr.zip`.
        features: (n, n, d), as for `stream`.
        names: of the n classes.
        layer: the layer that the features come from, for the attributes.
        converged: (n, n) bool [target, origin], stored with the tensors for their statistics.
        block: classes in a block, rounded up to whole chunks; None: about 256 MiB.
        progress: called with the classes done and in all, of C and R.

    Raises:
        UserError: as for `stream`, or `converged` of another shape.
    """
    import zarr

    classes, width = features.shape[0], features.shape[-1]
    chunk = min(max(CHUNK_BYTES // (8 * classes**2), 1), classes) if classes else 1
    rows = -(-(block or rows_of_block(classes, width)) // chunk) * chunk
    blocks = stream(features, rows, names)
    with atomic(path) as scratch:
        folder = scratch.with_name("store")
        _frame(names, layer, None if converged is None else converged_mask(converged, classes)).to_zarr(
            folder, mode="w", zarr_format=3, consolidated=False, write_empty_chunks=True
        )
        group = zarr.open_group(folder, mode="r+")
        _write_features(group, features)
        chunks = {"C": (classes, chunk, classes), "R": (chunk, classes, classes)}
        arrays = {
            name: _array(group, name, DIMS, (classes,) * 3, "float64", chunks[name], attrs)
            for name, attrs in ATTRS.items()
        }
        for part in blocks:
            end = part.start + len(part.values)
            if part.tensor == "C":
                arrays["C"][:, part.start : end] = part.values.swapaxes(0, 1)
            else:
                arrays["R"][part.start : end] = part.values
            if progress is not None:
                progress(end + (classes if part.tensor == "R" else 0), 2 * classes)
        pack(folder, scratch)


def _write_features(group: Any, features: Features) -> None:
    """Write the features, one chunk of targets at a time."""
    chunks = chunk_shape(features.shape, np.dtype(features.dtype))
    about = {"long_name": "feature vector of the prototype"}
    array = _array(group, "features", (*DIMS[:2], "feature"), features.shape, features.dtype, chunks, about)
    for start in range(0, features.shape[0], chunks[0]):
        array[start : start + chunks[0]] = np.asarray(features[start : start + chunks[0]])


def _array(
    group: Any,
    name: str,
    dims: Sequence[str],
    shape: Sequence[int],
    dtype: npt.DTypeLike,
    chunks: Sequence[int],
    attrs: Mapping[str, Any],
) -> Any:
    return group.create_array(
        name, shape=shape, dtype=dtype, chunks=chunks, dimension_names=dims, attributes=attrs, config=EVERY_CHUNK
    )


def _frame(names: Sequence[str], layer: str, converged: np.ndarray | None) -> xr.Dataset:
    """The store without the tensors."""
    text = np.array([str(name) for name in names], dtype=np.dtypes.StringDType())
    frame = xr.Dataset(
        coords={dim: (dim, text) for dim in DIMS},
        attrs={
            "title": "dissimilarities of prototypes",
            "definition": DISSIMILARITY,
            "layer": layer,
            "self": "self entries are stored as 0; statistics leave them out unless they say otherwise",
        },
    )
    return frame if converged is None else frame.assign(converged=(DIMS[:2], converged, CONVERGED_ATTRS))


@dataclass(frozen=True)
class _Stored:
    """Blocks that are read on demand."""

    variables: dict[Tensor, Any]
    classes: int
    rows: int

    def __iter__(self) -> Iterator[Block]:
        for start in range(0, self.classes, self.rows):
            values = self.variables["C"][:, start : start + self.rows].values
            yield Block("C", start, values.swapaxes(0, 1))
        for start in range(0, self.classes, self.rows):
            yield Block("R", start, self.variables["R"][start : start + self.rows].values)


def stored(dataset: xr.Dataset, block: int | None = None) -> Blocks:
    """The blocks of a store that `write` made and `storage.load` opened.

    Args:
        dataset: the store.
        block: classes in a block; None: about 64 MiB, because statistics of a block take four times as much.
    """
    classes = dataset.sizes["target"]
    rows = block or max(rows_of_block(classes, 0) // 4, 1)
    return _Stored({"C": dataset["C"], "R": dataset["R"]}, classes, rows)
