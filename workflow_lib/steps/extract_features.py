"""Features of a network's layers for every sample of a split."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from workflow_lib.datasets.artifact import StoredSplit, open_split
from workflow_lib.errors import UserError
from workflow_lib.features import checks
from workflow_lib.features.extraction import Batch, Layer, extract
from workflow_lib.features.images import ShownImages
from workflow_lib.features.output_map import read_outputs
from workflow_lib.features.predictions import Predicted, predicted
from workflow_lib.io import checkpoints, storage
from workflow_lib.models.stored import restore
from workflow_lib.progress import bar
from workflow_lib.steps.roles import Context, Input, Output
from workflow_lib.training.devices import configure

Predict = Callable[[np.ndarray], Predicted | None]
SUFFIX = ".zarr.zip"
BATCH_VALUES = 2**24
"""Pixel values in a batch: 64 MB as float32."""

MOST_IN_BATCH = 512

CONFIDENCES = {
    "confidence": "softmax probability of the predicted class",
    "label_probability": "softmax probability of the sample's own class; NaN if the network has no output for it",
}
"""What is stored of each sample besides its prediction, and what it is."""


def extract_features(
    *, spec: Mapping[str, Any], checkpoint: Input, dataset: Input, features: list[Output], context: Context
) -> None:
    """Write a store for each of `features`; the name of the file is that of the layer in `spec["layers"]`.

    Raises:
        UserError: the network does not have a layer; its outputs are random, not finite, or depend on the other images
            of the batch; the file of predictions does not fit them.
    """
    device = configure(context.device, context.threads)
    split, content = open_split(dataset), checkpoints.load(checkpoint)
    network = restore(content)
    stores = {path.name.removesuffix(SUFFIX): path for path in features}
    layers = {name: Layer(**spec["layers"][name]) for name in stores}
    images = ShownImages(split, spec["transform"], network=network, outputs=content["classes"], device=device)
    size = max(1, min(MOST_IN_BATCH, BATCH_VALUES // int(np.prod(split.image_shape))))
    few = images.batch(0, min(checks.FEW, size)).images
    once, again = (checks.outputs(network, few, layers, device=device) for _ in range(2))
    if random := checks.differing(again, once, checks.REPEATED):
        raise UserError(checks.not_repeatable(random))
    predict = _predictor(spec["predictions"], content["classes"], split.class_names, once[checks.LOGITS].shape[1])
    probes = sorted({0, len(split) // 2, len(split) - 1})
    batches = extract(network, images.batches(size, probes), checks.with_logits(layers), device=device)
    logits = _write(batches, split, layers, stores, probes, images.values, predict)
    alone = {row: checks.outputs(network, images.alone(row), layers, device=device) for row in probes}
    _prove(alone, logits, split, stores)


def _predictor(
    settings: Mapping[str, Any] | None, outputs: Sequence[str] | None, classes: Sequence[str], count: int
) -> Predict:
    """The function that turns logits (n, count) into predictions, or returns None.

    `outputs` are the classes of the network's outputs, or None if they are not known.
    """
    if settings is None:
        return partial(predicted, outputs=outputs, classes=classes)
    return partial(
        predicted, outputs=read_outputs(settings["map"], classes, count), classes=classes, rule=settings["rule"]
    )


def _write(
    batches: Iterator[Batch],
    split: StoredSplit,
    layers: Mapping[str, Layer],
    stores: Mapping[str, Path],
    probes: Sequence[int],
    values: Mapping[str, np.ndarray],
    predict: Predict,
) -> dict[int, np.ndarray]:
    """Stream the batches into one store per layer; return the logits of the samples `probes`, by row.

    `values` of each sample become coords; they are filled in when the last batch has come. `outputs` are the classes of
    the network's outputs, or None if they are not known.
    """
    logits: dict[int, np.ndarray] = {}
    first = next(batches)
    predictions = np.full(len(split), -1, dtype=np.int64)
    knows = predict(first.logits) is not None
    coords = _coords(split, predictions if knows else None)
    coords |= {name: ("sample", array) for name, array in values.items()}
    progress, done = bar("images"), 0
    with contextlib.ExitStack() as stack:
        writers = {
            name: stack.enter_context(
                storage.SampleWriter(
                    path, _variables(first.features[name], len(split), knows), coords, _attrs(layers[name])
                )
            )
            for name, path in stores.items()
        }
        for batch in itertools.chain([first], batches):
            _require_finite(batch, split.ids[done:])
            rows = range(done, done + len(batch.logits))
            confidences: dict[str, np.ndarray] = {}
            if (found := predict(batch.logits)) is not None:
                # The writers store coords when they close, so the predictions are filled in by then.
                predictions[rows.start : rows.stop] = found.classes
                own = found.probabilities[np.arange(len(rows)), split.labels[rows.start : rows.stop]]
                confidences = dict(zip(CONFIDENCES, (found.confidence, own), strict=True))
            for name, writer in writers.items():
                writer.append(features=batch.features[name], **confidences)
            logits |= {row: batch.logits[row - done] for row in probes if row in rows}
            done = rows.stop
            progress(done, len(split))
    return logits


def _require_finite(batch: Batch, ids: np.ndarray) -> None:
    """Raise UserError if an output of the batch is not finite; `ids` are those of its samples and of later ones."""
    broken = {name: ~np.isfinite(values).all(axis=1) for name, values in batch.features.items()}
    if names := [name for name, rows in broken.items() if rows.any()]:
        sample = ids[int(np.argmax(broken[names[0]]))]
        raise UserError(checks.not_finite(names, f"sample {sample}"))


def _variables(features: np.ndarray, count: int, has_predictions: bool) -> dict[str, storage.VariableSpec]:
    variables = {"features": storage.VariableSpec(("sample", "feature"), (count, features.shape[1]), "float32")}
    if has_predictions:
        for name, meaning in CONFIDENCES.items():
            about = {"long_name": meaning, "units": "1"}
            variables[name] = storage.VariableSpec(("sample",), (count,), "float32", about)
    return variables


def _attrs(layer: Layer) -> dict[str, str]:
    return {"title": f"Features of layer {layer.module}", "layer": layer.module, "pool": layer.pool}


def _coords(split: StoredSplit, predictions: np.ndarray | None) -> dict[str, tuple[str, np.ndarray]]:
    """Coords of the stores; no predictions if no output of the network is known to be a class of the data set."""
    coords = {
        "sample": ("sample", split.ids),
        "label": ("sample", split.labels),
        "class": ("class", np.array(split.class_names)),
    }
    return coords if predictions is None else {**coords, "prediction": ("sample", predictions)}


def _prove(
    alone: Mapping[int, checks.Outputs],
    logits: Mapping[int, np.ndarray],
    split: StoredSplit,
    stores: Mapping[str, Path],
) -> None:
    """Compare the stores with the data set, in count, ids and labels, and single samples by row with those alone.

    Raises:
        UserError: features or logits of a sample in its batch differ from those of the sample alone.
        RuntimeError: a store does not contain the samples of the data set in their order.
    """
    stored = {name: storage.load(path) for name, path in stores.items()}
    for name, store in stored.items():
        if not (np.array_equal(store["sample"], split.ids) and np.array_equal(store["label"], split.labels)):
            raise RuntimeError(f"{stores[name]}: the samples are not those of the data set in their order")
    for row, expected in alone.items():
        found = {name: store["features"][[row]].values for name, store in stored.items()}
        if names := checks.differing(found | {checks.LOGITS: logits[row][None]}, expected, checks.SAME):
            raise UserError(checks.of_batch(names, f"sample {split.ids[row]}"))
