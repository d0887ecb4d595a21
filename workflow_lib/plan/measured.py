"""Measure the cost of jobs on this machine, by short trials with the networks and data of the config.

The networks are untrained, as trained ones take the same time. Data that are not there yet are noise of the same size.
Nothing is written.
"""

import json
import math
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from workflow_lib.datasets.artifact import StoredSplit, open_split
from workflow_lib.features.extraction import Layer, extract
from workflow_lib.io.storage import load
from workflow_lib.kstar.exact import neighbourhood
from workflow_lib.models.stored import new_network
from workflow_lib.plan.costs import MEASURABLE, Cost
from workflow_lib.plan.expected import expected, noise
from workflow_lib.plan.jobs import PlannedJob, job_of
from workflow_lib.plan.plan import Plan
from workflow_lib.prototypes import descent
from workflow_lib.prototypes.batches import default_batch
from workflow_lib.prototypes.boundaries import HALVINGS, SCAN
from workflow_lib.prototypes.deepfool import STEPS
from workflow_lib.prototypes.frozen import Frozen, frozen, stored_layer
from workflow_lib.training.devices import configure
from workflow_lib.training.loop import DivergedError, train
from workflow_lib.training.optimisation import Settings

LONG_ENOUGH = 0.5
"""Total seconds after which a measurement is not repeated."""
MOST_ROUNDS = 5
IMAGES = 128
"""Images per forward pass without gradients."""
SAMPLES = 2000
"""Most samples whose k* is measured; the time of more grows as their square."""
KSTAR_BYTES = 32.0
"""Bytes of a sample in a store of k*."""
LOOKS = SCAN + 1 + 2 + 2 * HALVINGS[torch.float32]
"""Largest number of forward passes for a boundary image, on the line and on the path."""
SOURCE = "measured on this machine"
BOUND = "measured on this machine, for as many steps as are allowed"

Counts = tuple[float, float, str]
"""Seconds, bytes and source of an estimate."""


class Measurements:
    """Measures each network once per kind of work.

    Args:
        plan: the plan of the run.
        device: cpu | cuda | auto.
    """

    def __init__(self, plan: Plan, device: str = "auto") -> None:
        self._plan, self._device = plan, configure(device, 1)
        self._known: dict[str, tuple[float, float]] = {}
        self._splits: dict[Path, StoredSplit | None] = {}
        self._kinds: dict[str, Callable[[PlannedJob, Any, StoredSplit], Counts]] = {
            verb: getattr(self, f"_{verb}") for verb in MEASURABLE
        }

    def cost(self, job: PlannedJob) -> Cost | None:
        """Cost of a job; None if it cannot be measured, or if nothing is known of its data."""
        if job.verb not in self._kinds:
            return None
        split = self._split(self._dataset(job))
        if split is None:
            return None
        spec = json.loads(job.run(self._plan, self._device).spec)
        seconds, size, source = self._kinds[job.verb](job, spec, split)
        return Cost(seconds, seconds if self._device == "cuda" else 0.0, size, source)

    def _dataset(self, job: PlannedJob) -> Path:
        """File of a split that fits the network of a job, or that its features are of; or imported features."""
        for path in job.needs:
            if path.startswith((self._plan.path("datasets/"), self._plan.path("features/imported/"))):
                return Path(path)
            if path.startswith(self._plan.path("features/")):
                return self._dataset(job_of(self._plan, path))
        dataset = self._plan.config.models[job.wildcards["model"]].dataset
        return Path(self._plan.path(f"datasets/{dataset}/train.zarr.zip"))

    def _split(self, file: Path) -> StoredSplit | None:
        """The split of a file, or noise of its size; None if that is not known."""
        if file not in self._splits:
            name, split = file.parent.name, file.name.partition(".")[0]
            imported = file.parent == Path(self._plan.path("features/imported"))
            if file.is_file():
                self._splits[file] = rows(file) if imported else open_split(file)
            else:
                size = None if imported else expected(name, split, self._plan.config.datasets)
                self._splits[file] = noise(size) if size else None
        return self._splits[file]

    def _train_interval(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        model, interval = job.wildcards["model"], int(job.wildcards["interval"])
        begin = 0 if self._plan.by_data(model) else next(iter(self._plan.previous(model, interval)), 0)
        seconds, size = self._once(job, training, spec, split)
        epochs = spec["training"]["epochs"] * (interval - begin) / 100
        return seconds * len(split) * epochs, size, SOURCE

    def _train_replicates(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, _ = self._once(job, training, spec, split)
        classes, trainings = len(split.class_names), len(spec["runs"])
        return seconds * len(split) * spec["training"]["epochs"] * trainings, 8.0 * classes**2 * trainings, SOURCE

    def _extract_features(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, size = self._once(job, extraction, spec, split)
        return seconds * len(split), size * len(split), SOURCE

    def _compute_kstar(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        (file,) = job.reads
        width = split.image_shape[-1]
        if Path(file) != self._dataset(job):
            whole = json.loads(job_of(self._plan, file).run(self._plan, self._device).spec)
            layer = Path(file).name.removesuffix(".zarr.zip")
            width = round(
                self._once(job, extraction, {**whole, "layers": {layer: whole["layers"][layer]}}, split)[1] / 4
            )
        seconds, few = self._once(job, neighbours, {"metric": spec["metric"], "width": width}, split)
        return seconds * (len(split) / few) ** 2, KSTAR_BYTES * len(split), SOURCE

    def _make_prototypes(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, size = self._once(job, gradient, spec, split)
        images = len(split.class_names) ** 2
        return seconds * images * spec["descent"]["steps"], size * images, BOUND

    def _attack_prototypes(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, size = self._once(job, gradient, {**spec, "descent": {}}, split)
        classes = len(split.class_names)
        return seconds * classes * classes * STEPS, size * classes, BOUND  # a gradient for each other class

    def _find_boundaries(self, job: PlannedJob, spec: Any, split: StoredSplit) -> Counts:
        seconds, size = self._once(job, forward, spec, split)
        images = len(split.class_names) * (len(split.class_names) - 1)
        return seconds * images * LOOKS, size * images * 2, BOUND

    def _once(
        self,
        job: PlannedJob,
        measure: Callable[[Mapping[str, Any], StoredSplit, str], tuple[float, float]],
        spec: Mapping[str, Any],
        split: StoredSplit,
    ) -> tuple[float, float]:
        shaping = {key: value for key, value in spec.items() if key not in OF_ONE_JOB}
        key = json.dumps([measure.__name__, str(self._dataset(job)), shaping], sort_keys=True)
        if key not in self._known:
            self._known[key] = measure(spec, split, self._device)
        return self._known[key]


def rows(file: Path) -> StoredSplit:
    """Imported features as a split whose samples are rows."""
    store = load(file)
    names = tuple(map(str, store["class"].values))
    labels, features = store["label"].values, store["features"]
    return StoredSplit(labels, store["sample"].values, names, (1, 1, features.shape[1]), features)


OF_ONE_JOB = ("model", "seed", "study", "runs", "initialisation", "each", "stop_epoch", "intervals_of", "percent")
"""Settings that do not affect the time of a unit of work."""


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
