"""How long a little of each kind of work takes on this machine, and how large its results are.

The networks are untrained, as trained ones take the same time. Nothing is written. Each trial takes settings of a step,
a split and the device.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from workflow_lib.datasets.artifact import StoredSplit
from workflow_lib.features.extraction import Layer, extract
from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.models.stored import new_network
from workflow_lib.prototypes import descent
from workflow_lib.prototypes.batches import default_batch
from workflow_lib.prototypes.frozen import Frozen, frozen, stored_layer
from workflow_lib.training.loop import DivergedError, train
from workflow_lib.training.optimisation import Settings

LONG_ENOUGH = 0.5
"""Total seconds after which a measurement is not repeated."""
MOST_ROUNDS = 5
IMAGES = 128
"""Images per forward pass without gradients."""
SAMPLES = 2000
"""Most samples whose k* is measured."""


def training(spec: Mapping[str, Any], split: StoredSplit, device: str) -> tuple[float, float]:
    """Seconds per image and epoch, and bytes of a checkpoint."""
    settings = Settings.from_mapping(spec["training"])
    images, labels = split.images(0, 2 * settings.batch_size), split.labels[: 2 * settings.batch_size]
    network = _network(spec, split)
    sizes: list[int] = []

    def epoch() -> None:
        try:
            state = train(network, images, labels, settings, lineage=("estimate",), stop_epoch=1, device=device)
            sizes.append(_bytes(state.network) + _bytes(state.optimizer))
        except DivergedError:
            sizes.append(_bytes(network.state_dict()))

    return _seconds(epoch) / len(labels), sizes[-1]


def extraction(spec: Mapping[str, Any], split: StoredSplit, device: str) -> tuple[float, float]:
    """Seconds per image, and bytes of its features in all layers."""
    network, images = _network(spec, split), split.images(0, IMAGES)
    layers = {role: Layer(**layer) for role, layer in spec["layers"].items()}
    sizes: list[int] = []

    def one_pass() -> None:
        (batch,) = extract(network, [images], layers, device=device)
        sizes.append(sum(features.nbytes for features in batch.features.values()))

    return _seconds(one_pass) / len(images), sizes[-1] / len(images)


def neighbours(spec: Mapping[str, Any], split: StoredSplit, device: str) -> tuple[float, float]:
    """Seconds for k* of some noise of this width, and the number of its samples."""
    count = min(len(split), SAMPLES)
    features = np.random.default_rng(0).standard_normal((count, spec["width"]), dtype=np.float32)
    labels = np.arange(count) % len(split.class_names)
    return _seconds(lambda: neighbourhood(features, labels, spec["metric"], device=device, threads=1)), count


def gradient(spec: Mapping[str, Any], split: StoredSplit, device: str) -> tuple[float, float]:
    """Seconds per step and image, and bytes of a prototype with its features."""
    network, count = _frozen(spec, split, device)
    settings = descent.Settings(**{**spec["descent"], "loss": 0.0, "steps": 10**6})  # no image leaves the batch
    batch, none = descent.Descent(network, settings, device=device), np.zeros(count, np.int64)
    batch.enter(np.arange(count), np.full((count, *split.image_shape), 0.5, np.float32), none, none)
    return _seconds(batch.advance) / (count * descent.BETWEEN_LOOKS[device]), _size(network)


def forward(spec: Mapping[str, Any], split: StoredSplit, device: str) -> tuple[float, float]:
    """Seconds per image for a pass without gradients, and bytes of a boundary image with its features."""
    network, count = _frozen(spec, split, device)
    images = torch.full((count, *split.image_shape), 0.5, device=device)
    with torch.inference_mode():
        return _seconds(lambda: network(images)[0].cpu()) / count, _size(network)


def _frozen(spec: Mapping[str, Any], split: StoredSplit, device: str) -> tuple[Frozen, int]:
    """The network without gradients of its weights, and the number of images in a batch."""
    plain = _network(spec, split)
    layer = spec.get("layer") or {"module": stored_layer(plain, split.image_shape)}
    network = frozen(plain, image_shape=split.image_shape, device=device, **layer)
    return network, min(default_batch(network, device), len(split.class_names) ** 2)


def _size(network: Frozen) -> float:
    return 4.0 * (math.prod(network.image_shape) + int(network.width))


def _network(spec: Mapping[str, Any], split: StoredSplit) -> Any:
    return new_network(spec, split.image_shape, len(split.class_names), ("estimate",))


def _bytes(value: Any) -> int:
    """Bytes of all tensors in nested mappings and lists."""
    if isinstance(value, torch.Tensor):
        return value.numel() * value.element_size()
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else []
    return sum(map(_bytes, parts))


def _seconds(work: Callable[[], object]) -> float:
    """Shortest time of several calls, after one call to warm up."""
    work()
    times: list[float] = []
    while len(times) < MOST_ROUNDS and sum(times) < LONG_ENOUGH:
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)
