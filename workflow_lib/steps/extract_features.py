"""Features of a network's layers for every sample of a split."""

import contextlib
import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from workflow_lib.datasets.artifact import StoredSplit, open_split
from workflow_lib.errors import Problem, UserError
from workflow_lib.features import transforms
from workflow_lib.features.extraction import Batch, Layer, extract
from workflow_lib.io import checkpoints, storage
from workflow_lib.models.stored import restore
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training.devices import configure

SUFFIX = ".zarr.zip"
BATCH_VALUES = 2**24
"""Pixel values in a batch: 64 MB as float32."""

MOST_IN_BATCH = 512

SAME = 1e-3
"""Largest difference, relative to the largest value, between a sample's features in its batch and alone."""


def extract_features(
    *, spec: Mapping[str, Any], checkpoint: Input, dataset: Input, features: list[Output], context: Context
) -> None:
    """Write a store for each of `features`; the name of the file is that of the layer in `spec["layers"]`.

    Raises:
        UserError: the network does not have a layer, or features depend on the other images of the batch.
    """
    device = configure(context.device, context.threads)
    split, network = open_split(dataset), restore(checkpoints.load(checkpoint))
    stores = {path.name.removesuffix(SUFFIX): path for path in features}
    layers = {name: Layer(**spec["layers"][name]) for name in stores}
    size = max(1, min(MOST_IN_BATCH, BATCH_VALUES // int(np.prod(split.image_shape))))
    starts = range(0, len(split), size)
    images = (_images(split, start, start + size, spec["transform"]) for start in starts)
    _write(extract(network, images, layers, device=device), split, layers, stores)
    probes = sorted({0, len(split) // 2, len(split) - 1})
    alone = (_images(split, row, row + 1, spec["transform"]) for row in probes)
    _prove(dict(zip(probes, extract(network, alone, layers, device=device), strict=True)), split, stores)


def _images(split: StoredSplit, start: int, stop: int, transform: Mapping[str, Any] | None) -> np.ndarray:
    """Images start … stop - 1, transformed."""
    ids = [str(name) for name in split.ids[start:stop]]
    return transforms.apply(split.images(start, stop), ids, transform)


def _write(
    batches: Iterator[Batch], split: StoredSplit, layers: Mapping[str, Layer], stores: Mapping[str, Path]
) -> None:
    """Stream the batches into one store per layer."""
    first = next(batches)
    predictions = np.full(len(split), -1, dtype=np.int64)
    coords = _coords(split, predictions if first.outputs == len(split.class_names) else None)
    progress, done = bar("images"), 0
    with contextlib.ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                storage.SampleWriter(path, _variable(first.features[name], len(split)), coords, _attrs(layers[name]))
            )
            for name, path in stores.items()
        }
        for batch in itertools.chain([first], batches):
            for name, writer in writers.items():
                writer.append(features=batch.features[name])
            # The writers store coords when they close, so the predictions are filled in by then.
            predictions[done : done + len(batch.predictions)] = batch.predictions
            done += len(batch.predictions)
            progress(done, len(split))


def _variable(features: np.ndarray, count: int) -> dict[str, storage.VariableSpec]:
    return {"features": storage.VariableSpec(("sample", "feature"), (count, features.shape[1]), "float32")}


def _attrs(layer: Layer) -> dict[str, str]:
    return {"title": f"Features of layer {layer.module}", "layer": layer.module, "pool": layer.pool}


def _coords(split: StoredSplit, predictions: np.ndarray | None) -> dict[str, tuple[str, np.ndarray]]:
    """Coords of the stores; no predictions if the outputs of the network are not the classes of the data set."""
    coords = {
        "sample": ("sample", split.ids),
        "label": ("sample", split.labels),
        "class": ("class", np.array(split.class_names)),
    }
    return coords if predictions is None else {**coords, "prediction": ("sample", predictions)}


def _prove(alone: Mapping[int, Batch], split: StoredSplit, stores: Mapping[str, Path]) -> None:
    """Compare the stores with the data set, in count, ids and labels, and with features of single samples by row.

    Raises:
        UserError: features of a sample in the store differ from those of the sample alone.
        RuntimeError: a store does not contain the samples of the data set in their order.
    """
    for name, path in stores.items():
        stored = storage.load(path)
        if not (np.array_equal(stored["sample"], split.ids) and np.array_equal(stored["label"], split.labels)):
            raise RuntimeError(f"{path}: the samples are not those of the data set in their order")
        for row, batch in alone.items():
            expected, found = batch.features[name][0], stored["features"][row].values
            if not np.allclose(found, expected, rtol=0, atol=SAME * float(np.abs(expected).max())):
                raise UserError(_depends_on_batch(name, str(split.ids[row])))


def _depends_on_batch(name: str, sample: str) -> Problem:
    return Problem(
        f"layers.{name}",
        f"sample {sample}",
        "the features of an image change with the images that share its batch",
        "let the network treat each image by itself in eval mode, as with tracked batch statistics",
    )
